import type { Letter } from '../mail/letter.ts'
import { accountExists } from '../mail/letters/account-exists.ts'
import { choosePassword } from '../mail/letters/choose-password.ts'
import { confirmEmailChange } from '../mail/letters/confirm-email-change.ts'
import { emailChangeAsked } from '../mail/letters/email-change-asked.ts'
import { emailChanged } from '../mail/letters/email-changed.ts'
import { passwordChanged } from '../mail/letters/password-changed.ts'
import { resetPassword } from '../mail/letters/reset-password.ts'
import { suspiciousLogin } from '../mail/letters/suspicious-login.ts'
import { verifyEmail } from '../mail/letters/verify-email.ts'
import { createLinks } from '../mail/links.ts'
import type { Mailer } from '../mail/mailer.ts'

/** The mails that accounts give occasion to. None of these waits, or fails. */
export interface AccountMail {
  resetPassword(to: string, secret: string): void
  choosePassword(to: string, secret: string): void
  verifyEmail(to: string, secret: string): void
  accountExists(to: string): void
  confirmEmailChange(to: string, secret: string): void
  emailChangeAsked(to: string, newAddress: string): void
  emailChanged(to: string, newAddress: string): void
  passwordChanged(to: string): void
  suspiciousLogin(to: string): void
}

/** Writes the letters, with links below `publicUrl`, and hands them to the mailer. */
export function createAccountMail(mailer: Mailer, publicUrl: string): AccountMail {
  const links = createLinks(publicUrl)
  const send = (to: string, letter: Letter) => mailer.send({ to, letter })
  return {
    resetPassword: (to, secret) => send(to, resetPassword(links, secret)),
    choosePassword: (to, secret) => send(to, choosePassword(links, secret)),
    verifyEmail: (to, secret) => send(to, verifyEmail(links, secret)),
    accountExists: (to) => send(to, accountExists(links)),
    confirmEmailChange: (to, secret) => send(to, confirmEmailChange(links, secret)),
    emailChangeAsked: (to, newAddress) => send(to, emailChangeAsked(links, newAddress)),
    emailChanged: (to, newAddress) => send(to, emailChanged(links, newAddress)),
    passwordChanged: (to) => send(to, passwordChanged(links)),
    suspiciousLogin: (to) => send(to, suspiciousLogin(links)),
  }
}

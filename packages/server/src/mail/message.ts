import type { Mail } from './mailer.ts'

/** A mail as nodemailer takes it. The address is no text to be parsed: a comma in it would make two of one. */
export function messageOf({ to, letter }: Mail, from: string) {
  return {
    from,
    to: { name: '', address: to },
    subject: letter.subject,
    text: letter.text,
    html: letter.html,
    // RFC 3834: nobody's holiday notice comes back.
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

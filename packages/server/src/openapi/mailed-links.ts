import { changeEmailBody, forgotPasswordBody, resetPasswordBody, verifyEmailBody } from '../bodies.ts'
import type { Operation } from './operation.ts'

/** Of `routes/mailed-links.ts`. */
export const mailedLinkOperations: readonly Operation[] = [
  {
    id: 'forgotPassword',
    method: 'post',
    path: '/auth/password/forgot',
    tag: 'accounts',
    summary: 'Have a link for another password mailed',
    description: 'The answer is the same for every address, and comes before it is looked up.',
    auth: [],
    body: { schema: forgotPasswordBody },
    answers: { 202: { description: 'Taken; a mail goes out where there is such an account' } },
    errors: ['overloaded'],
  },
  {
    id: 'resetPassword',
    method: 'post',
    path: '/auth/password/reset',
    tag: 'accounts',
    summary: 'Set another password with what was mailed',
    description: 'The token is good once and for ten minutes. Every session of the account ends.',
    auth: [],
    body: { schema: resetPasswordBody },
    answers: { 204: { description: 'The password is set; every token of the account is dead' } },
    errors: ['token_invalid', 'password_too_weak', 'overloaded', 'revocation_unavailable'],
  },
  {
    id: 'changeEmail',
    method: 'post',
    path: '/auth/email/change',
    tag: 'accounts',
    summary: 'Have a link mailed to another address that is to be the one of the account',
    description: 'For the address the account has, the link verifies it. The address in use gets a notice.',
    auth: ['fresh'],
    body: { schema: changeEmailBody },
    answers: { 202: { description: 'Taken; the address changes when the link is followed' } },
    errors: ['invalid_credentials', 'overloaded'],
  },
  {
    id: 'verifyEmail',
    method: 'post',
    path: '/auth/email/verify',
    tag: 'accounts',
    summary: 'Prove an address with what was mailed to it',
    description: 'The token is good once and for ten minutes. Where it changes the address, every session ends.',
    auth: [],
    body: { schema: verifyEmailBody },
    answers: { 204: { description: 'The address is verified, and changed where that was asked for' } },
    errors: ['token_invalid', 'email_taken', 'overloaded', 'revocation_unavailable'],
  },
]

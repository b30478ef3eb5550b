import { changePasswordBody, loginBody, registerBody } from '../bodies.ts'
import type { Operation } from './operation.ts'
import { tokenDelivery, tokensAnswer } from './token-delivery.ts'

/** Of `routes/accounts.ts`. */
export const accountOperations: readonly Operation[] = [
  {
    id: 'register',
    method: 'post',
    path: '/auth/register',
    tag: 'accounts',
    summary: 'Make an account and begin a session',
    auth: [],
    body: { schema: registerBody },
    parameters: [tokenDelivery],
    answers: {
      201: tokensAnswer('The account and its first tokens'),
      202: { description: 'With REGISTRATION=verify, whatever the address: what comes next is in a mail' },
    },
    errors: ['email_taken', 'password_too_weak', 'forbidden', 'overloaded'],
  },
  {
    id: 'login',
    method: 'post',
    path: '/auth/login',
    tag: 'accounts',
    summary: 'Begin a session',
    description:
      'The access token is fresh. An unknown address, a wrong password and a disabled account are answered alike.',
    auth: [],
    body: { schema: loginBody },
    parameters: [tokenDelivery],
    answers: { 200: tokensAnswer('New tokens') },
    errors: ['invalid_credentials', 'overloaded'],
  },
  {
    id: 'changePassword',
    method: 'post',
    path: '/auth/password/change',
    tag: 'accounts',
    summary: 'Change the password and end every other session',
    auth: ['fresh'],
    body: { schema: changePasswordBody },
    parameters: [tokenDelivery],
    answers: { 200: tokensAnswer('New tokens; all others are dead') },
    errors: ['invalid_credentials', 'password_too_weak', 'overloaded'],
  },
]

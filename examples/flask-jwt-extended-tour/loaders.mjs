import { userNamed } from './users.mjs'

const answer = (body) => () => ({ status: 401, body })
const described = (description, error) => answer({ description, error })

/** The loaders that the environment can switch on, by their names there. */
const groups = {
  lookup: {
    userLookup(_header, { sub }) {
      const user = userNamed(sub)
      return user && { id: user.id, username: user.username }
    },
  },
  claims: { additionalClaims: (identity) => ({ upcase_name: String(identity).toUpperCase(), foo: 'loader' }) },
  headers: { additionalHeaders: () => ({ 'x-tour': 'loader' }) },
  messages: {
    expiredToken: answer({ message: 'The token has expired.', error: 'token_expired' }),
    invalidToken: answer({ message: 'Signature verification failed.', error: 'invalid_token' }),
    unauthorized: described('Request does not contain an access token.', 'authorization_required'),
    needsFreshToken: described('The token is not fresh.', 'fresh_token_required'),
    revokedToken: described('The token has been revoked.', 'token_revoked'),
  },
}

/** The loaders of a comma list, and the one that is always there: a token that says `deny` is refused. */
export function chosenLoaders(list) {
  const names = list.split(',').map((name) => name.trim())
  const chosen = names.filter(Boolean).map((name) => {
    if (Object.hasOwn(groups, name)) return groups[name]
    throw new Error(`LOADERS names ${name}, and there are ${Object.keys(groups).join(', ')}`)
  })
  return Object.assign({ tokenVerification: (_header, { deny }) => !isTruthy(deny) }, ...chosen)
}

/** As Python sees it: a list or an object is false where it is empty. */
function isTruthy(value) {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)
}

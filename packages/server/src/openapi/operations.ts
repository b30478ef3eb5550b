import { accountOperations } from './accounts.ts'
import { adminOperations } from './admin.ts'
import { discoveryOperations } from './discovery.ts'
import { forwardAuthOperations } from './forward-auth.ts'
import { healthOperations } from './health.ts'
import { mailedLinkOperations } from './mailed-links.ts'
import { oauthOperations } from './oauth.ts'
import type { Operation } from './operation.ts'
import { ownSessionOperations } from './own-sessions.ts'
import { revocationOperations } from './revocations.ts'
import { sessionOperations } from './sessions.ts'

/** Every operation of the service, in the order of the document. */
export const operations: readonly Operation[] = [
  ...accountOperations,
  ...mailedLinkOperations,
  ...sessionOperations,
  ...ownSessionOperations,
  ...forwardAuthOperations,
  ...oauthOperations,
  ...discoveryOperations,
  ...revocationOperations,
  ...adminOperations,
  ...healthOperations,
]

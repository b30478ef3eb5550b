/** The pages that mails lead to. */
export interface Links {
  /** What people know the site by. */
  readonly site: string
  resetPassword(secret: string): string
  verifyEmail(secret: string): string
}

/**
 * Links below the configured URL, and nothing else: no header of a request has a part in them. The secret is in the
 * fragment, which browsers send to no server and in no `Referer`.
 */
export function createLinks(publicUrl: string): Links {
  const base = new URL(publicUrl.endsWith('/') ? publicUrl : `${publicUrl}/`)
  const page = (path: string, secret: string) => {
    const url = new URL(path, base)
    url.hash = `token=${secret}`
    return url.href
  }
  return {
    site: base.host,
    resetPassword: (secret) => page('reset-password', secret),
    verifyEmail: (secret) => page('verify-email', secret),
  }
}

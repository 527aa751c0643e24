/** Which web pages may talk to the server. Programs that are no browsers send no Origin, and always may. */
export interface OriginPolicy {
  /** `host` is the Host header of the request. */
  allows(origin: string | undefined, host: string | undefined): boolean
}

export interface OriginOptions {
  /** Further origins, as in `https://app.example.com`; `*` allows all. */
  readonly allowed: readonly string[]
  /** Any page served from this machine may connect; for development. */
  readonly loopback: boolean
}

export function createOriginPolicy({ allowed, loopback }: OriginOptions): OriginPolicy {
  const origins = new Set(allowed.map((origin) => origin.replace(/\/$/, '').toLowerCase()))
  return {
    allows(origin, host) {
      if (origin === undefined || origins.has('*') || origins.has(origin.toLowerCase())) return true
      const url = parseUrl(origin)
      if (!url) return false
      return url.host === host?.toLowerCase() || (loopback && isLoopback(url.hostname))
    },
  }
}

/** Whether a host name means this machine whatever a name server says. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

/** The host name in a Host header, without the port. */
export function hostnameOf(host: string | undefined): string | undefined {
  return host === undefined ? undefined : parseUrl(`http://${host}`)?.hostname
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

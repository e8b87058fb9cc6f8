import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { PvarHandler, PvarSite, PvarSpec } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { CONNECTION_FACTS, certificateFacts } from './certificate-facts.ts'

interface Variable {
  readonly doc: string
  readonly read: (tls: TLSSocket) => Value
}

const SIDES: Readonly<Record<string, (tls: TLSSocket) => X509Certificate | undefined>> = {
  peer: tls => tls.getPeerX509Certificate(),
  my: tls => tls.getX509Certificate(),
}

function variables(): ReadonlyMap<string, Variable> {
  const all = new Map<string, Variable>()
  for (const [end, fact] of Object.entries(CONNECTION_FACTS)) all.set(`tls_${end}`, fact)
  for (const [side, certificateOf] of Object.entries(SIDES))
    for (const [end, { doc, read }] of certificateFacts())
      all.set(`tls_${side}_${end}`, {
        doc: `${doc} (${side === 'my' ? 'our own' : 'of the peer'}).`,
        read: tls => {
          const certificate = certificateOf(tls)
          return certificate === undefined ? null : read(certificate)
        },
      })
  return all
}

const VARIABLES = variables()

/** The `$tls_…` variables: NULL for messages that did not come over TLS. */
export const tlsPvars: Readonly<Record<string, PvarSpec>> = Object.fromEntries(
  [...VARIABLES].map(([name, { doc }]) => [name, { type: 'any', writable: false, doc } satisfies PvarSpec]),
)

/** The handlers of {@link tlsPvars}; `tlsOf` gives the TLS a message came over. */
export function tlsPvarHandlers(
  tlsOf: (m: RouteContext) => TLSSocket | null,
): Readonly<Record<string, (site: PvarSite) => PvarHandler>> {
  return Object.fromEntries(
    [...VARIABLES].map(([name, { read }]) => {
      const handler: PvarHandler = {
        get: m => {
          const tls = tlsOf(m)
          return tls === null ? null : read(tls)
        },
      }
      return [name, () => handler]
    }),
  )
}

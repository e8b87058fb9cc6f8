import type { RouteContext } from '../../script/context.ts'
import { parseNameAddrList } from '../../sip/codec/name-addr.ts'
import type { RtpProxyServices } from './services.ts'
import type { SessionFlags } from './session-flags.ts'

/**
 * The address this message goes on to, by which an RTP proxy between two networks chooses the interface that it offers there
 * (modifier R of its commands); '' where that is not wanted, not known, or the flags name the interfaces.
 */
export async function bridgeAddress(
  { proxy, bridges }: RtpProxyServices,
  m: RouteContext,
  { modifiers }: SessionFlags,
): Promise<string> {
  if (!bridges || /[IE]/.test(modifiers)) return ''
  if (!m.message.isRequest) return m.request === null ? '' : proxy.replyHop(m.request).address
  const { dstUri, path, uri } = m.target
  const first = path === null ? undefined : parseNameAddrList(path)?.[0]?.uri
  const [hop] = await proxy.resolve(dstUri || first || uri)
  return hop?.address ?? ''
}

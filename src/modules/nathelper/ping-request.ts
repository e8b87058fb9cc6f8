import { randomBytes } from 'node:crypto'
import type { SipProxy } from '../../proxy/proxy.ts'
import { buildRequest } from '../../sip/codec/write.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Contact } from './location.ts'

const ID_BYTES = 9

/** The request a contact is pinged with, and the branch by which its answer is known. */
export function pingRequest(
  proxy: Pick<SipProxy, 'viaValue'>,
  contact: Contact,
  socket: ListenSocket,
  { method, from }: { readonly method: string; readonly from: string },
): { readonly bytes: Buffer; readonly branch: string } {
  const id = randomBytes(ID_BYTES).toString('hex')
  const branch = `z9hG4bK${id}`
  const headers =
    `Via: ${proxy.viaValue(socket, branch)}\r\n` +
    (contact.path === '' ? '' : `Route: ${contact.path}\r\n`) +
    `Max-Forwards: 70\r\nFrom: <${from}>;tag=${id}\r\nTo: <${contact.uri}>\r\n` +
    `Call-ID: ${id}\r\nCSeq: 1 ${method}\r\n`
  return { bytes: buildRequest({ method, uri: contact.uri, headers }), branch }
}

import type { Target } from '../../script/context.ts'
import type { Contact } from './location.ts'
import { firstHop } from './path.ts'

/** How a request is sent to a contact: by its Path, else to where its registration came from. */
export function targetOf(contact: Contact): Target {
  const { path, received } = contact
  const hop = path === '' ? received : (firstHop(path) ?? '')
  return {
    uri: contact.uri,
    dstUri: hop === '' ? null : hop,
    path: path === '' ? null : path,
    q: contact.q,
    flags: contact.cflags,
    socket: contact.socket,
  }
}

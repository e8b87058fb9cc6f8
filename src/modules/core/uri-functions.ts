import { arg, functionGroup } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import {
  prefixUser,
  replaceUri,
  setHost,
  setHostPort,
  setPort,
  setUser,
  setUserPassword,
  stripUser,
  stripUserTail,
} from '../../sip/codec/uri-edit.ts'

/** A step that rewrites the Request-URI; −1 where the URI cannot be edited or gets too long. */
function rewriting<T>(value: Arg<T>, edit: (uri: string, value: T) => string | null): Step {
  return m => {
    const uri = edit(m.target.uri, value.read(m))
    if (uri === null) return -1
    m.target.uri = uri
    return 1
  }
}

const changesUri = {
  routes: 'any',
  returns: '1 done; −1 the URI cannot be changed so or gets longer than 1024 bytes',
} as const

/** Functions that rewrite the Request-URI or the next hop. */
export const uriFunctions = functionGroup(
  {
    seturi: {
      ...changesUri,
      aliases: ['rewriteuri'],
      args: [arg('uri', 'str', 'The new Request-URI.')],
      doc: 'Replaces the whole Request-URI.',
    },
    sethost: {
      ...changesUri,
      aliases: ['rewritehost', 'seth'],
      args: [arg('host', 'str', 'Host name or address.')],
      doc: 'Replaces the host of the Request-URI and removes maddr; everything else stays.',
    },
    sethostport: {
      ...changesUri,
      aliases: ['rewritehostport', 'sethp'],
      args: [arg('hostport', 'str', '`host` or `host:port`.')],
      doc: 'Replaces host and port of the Request-URI (the port goes when none is given) and removes maddr.',
    },
    setuser: {
      ...changesUri,
      aliases: ['rewriteuser', 'setu'],
      args: [arg('user', 'str', 'User part; empty removes it.')],
      doc: 'Replaces the user of the Request-URI.',
    },
    setuserpass: {
      ...changesUri,
      aliases: ['rewriteuserpass', 'setup'],
      args: [arg('userpass', 'str', '`user` or `user:password`.')],
      doc: 'Replaces user and password of the Request-URI.',
    },
    setport: {
      ...changesUri,
      aliases: ['rewriteport', 'setp'],
      args: [arg('port', 'str', 'Port; empty removes it.')],
      doc: 'Replaces the port of the Request-URI.',
    },
    prefix: {
      ...changesUri,
      args: [arg('prefix', 'str', 'Text to put before the user.')],
      doc: 'Puts text before the user of the Request-URI.',
    },
    strip: {
      ...changesUri,
      args: [arg('count', 'int', 'Characters to remove.')],
      doc: 'Removes characters from the beginning of the user; more than there are empties it.',
    },
    strip_tail: {
      ...changesUri,
      args: [arg('count', 'int', 'Characters to remove.')],
      doc: 'Removes characters from the end of the user; more than there are empties it.',
    },
    revert_uri: {
      routes: 'any',
      returns: '1',
      args: [],
      doc: 'Sets the Request-URI back to the one received.',
    },
    setdsturi: {
      routes: 'any',
      returns: '1 done; −1 not a SIP URI',
      aliases: ['setduri'],
      args: [arg('uri', 'str', 'URI of the next hop.')],
      doc: 'Sets the next hop (`$du`) without changing the Request-URI.',
    },
    resetdsturi: {
      routes: 'any',
      returns: '1',
      aliases: ['resetduri'],
      args: [],
      doc: 'Forgets the next hop: the Request-URI decides again.',
    },
    isdsturiset: {
      routes: 'any',
      returns: '1 set; −1 not',
      aliases: ['isduriset'],
      args: [],
      doc: 'Whether a next hop is set.',
    },
  },
  () => ({
    seturi: uri => rewriting(uri, (_, text) => replaceUri(text)),
    sethost: host => rewriting(host, setHost),
    sethostport: hostport => rewriting(hostport, setHostPort),
    setuser: user => rewriting(user, setUser),
    setuserpass: userpass => rewriting(userpass, setUserPassword),
    setport: port => rewriting(port, setPort),
    prefix: text => rewriting(text, prefixUser),
    strip: count => rewriting(count, stripUser),
    strip_tail: count => rewriting(count, stripUserTail),
    revert_uri: () => m => {
      m.target.uri = m.message.requestUri
      return 1
    },
    setdsturi: uri => m => setNextHop(m, uri.read(m)),
    resetdsturi: () => m => {
      m.target.dstUri = null
      return 1
    },
    isdsturiset: () => m => (m.target.dstUri === null ? -1 : 1),
  }),
)

function setNextHop(m: RouteContext, uri: string): number {
  if (parseUri(uri) === null) return -1
  m.target.dstUri = uri
  return 1
}

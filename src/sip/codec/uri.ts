/** Everything about SIP and telephone URIs: reading, writing, comparing, escaping. */
export { sameUri } from './uri-compare.ts'
export { escapeParam, escapeUser, unescapeParam, unescapeUri, unescapeUser } from './uri-escape.ts'
export { formatUri, parseUri, type SipUri, uriScheme } from './uri-parse.ts'

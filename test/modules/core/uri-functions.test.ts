import { describe } from 'vitest'
import { scriptCases } from './script-cases.ts'

const FULL = 'sip:bob:pw@example.com:5070;transport=tcp;maddr=192.0.2.9'
const PLAIN = 'sip:bob@example.com'

const rewriting = (call: string, uri: string, expected: string) => ({
  title: `${call}: ${uri} → ${expected}`,
  script: `${call};`,
  shows: '$ru',
  uri,
  expected,
})
const failing = (call: string, uri: string) => ({
  title: `${call.slice(0, 20)}… gives −1 and changes nothing`,
  script: `${call}; $var(rc) = $rc;`,
  shows: '$var(rc) $ru',
  uri,
  expected: `-1 ${uri}`,
})

describe('functions that rewrite the Request-URI', () => {
  scriptCases([
    rewriting('sethost("there.org")', FULL, 'sip:bob:pw@there.org:5070;transport=tcp'),
    rewriting('rewritehost("[2001:db8::1]")', PLAIN, 'sip:bob@[2001:db8::1]'),
    rewriting('seth("1.2.3.4")', 'sip:example.com', 'sip:1.2.3.4'),
    rewriting('sethostport("there.org:99")', FULL, 'sip:bob:pw@there.org:99;transport=tcp'),
    rewriting('rewritehostport("there.org")', FULL, 'sip:bob:pw@there.org;transport=tcp'),
    rewriting('sethp("1.2.3.4:5")', PLAIN, 'sip:bob@1.2.3.4:5'),
    rewriting('setuser("carol")', FULL, 'sip:carol:pw@example.com:5070;transport=tcp;maddr=192.0.2.9'),
    rewriting('rewriteuser("carol")', 'sip:example.com', 'sip:carol@example.com'),
    rewriting('setu("")', PLAIN, 'sip:example.com'),
    rewriting('setuserpass("carol:secret")', PLAIN, 'sip:carol:secret@example.com'),
    rewriting('rewriteuserpass("carol")', FULL, 'sip:carol@example.com:5070;transport=tcp;maddr=192.0.2.9'),
    rewriting('setup("x:y")', PLAIN, 'sip:x:y@example.com'),
    rewriting('setport("5090")', PLAIN, 'sip:bob@example.com:5090'),
    rewriting('rewriteport("")', FULL, 'sip:bob:pw@example.com;transport=tcp;maddr=192.0.2.9'),
    rewriting('setp(6000)', PLAIN, 'sip:bob@example.com:6000'),
    rewriting('seturi("sip:new@host.org;lr")', PLAIN, 'sip:new@host.org;lr'),
    rewriting('rewriteuri("tel:+123")', PLAIN, 'tel:+123'),
    rewriting('prefix("00")', PLAIN, 'sip:00bob@example.com'),
    rewriting('prefix("00")', 'sip:example.com', 'sip:00@example.com'),
    rewriting('strip(1)', PLAIN, 'sip:ob@example.com'),
    rewriting('strip(9)', PLAIN, 'sip:example.com'),
    rewriting('strip_tail(2)', PLAIN, 'sip:b@example.com'),
    rewriting('strip_tail(9)', PLAIN, 'sip:example.com'),
    failing('sethost("no host")', PLAIN),
    failing('setport("70000")', PLAIN),
    failing(`setuser("${'u'.repeat(1010)}")`, PLAIN),
    {
      title: 'revert_uri() goes back to the URI received',
      script: 'sethost("a.org"); setuser("x"); revert_uri();',
      shows: '$ru',
      uri: FULL,
      expected: FULL,
    },
  ])
})

describe('functions on the next hop', () => {
  scriptCases([
    {
      title: 'setdsturi() sets $du and leaves the Request-URI alone',
      script: 'isdsturiset(); $var(before) = $rc; setdsturi("sip:192.0.2.1:5070"); isdsturiset(); $var(after) = $rc;',
      shows: '$var(before) $var(after) $du $ru',
      uri: PLAIN,
      expected: `-1 1 sip:192.0.2.1:5070 ${PLAIN}`,
    },
    {
      title: 'resetdsturi() forgets it',
      script: '$du = "sip:192.0.2.1"; resetdsturi();',
      shows: '$du',
      expected: '<null>',
    },
    {
      title: 'the short names setduri, isduriset and resetduri do the same',
      script: 'setduri("sip:192.0.2.1"); isduriset(); $var(set) = $rc; resetduri();',
      shows: '$var(set) $du',
      expected: '1 <null>',
    },
    {
      title: 'setdsturi() refuses what is no SIP URI',
      script: 'setdsturi("nowhere"); $var(rc) = $rc;',
      shows: '$var(rc) $du',
      expected: '-1 <null>',
    },
  ])
})

import type { RouteContext, Step, Verdict } from '../../src/script/context.ts'
import { HeaderId } from '../../src/sip/codec/header-id.ts'
import { parseUri } from '../../src/sip/codec/uri.ts'
import { compileText, contextOf, INVITE } from '../script/harness.ts'
import { type Bench, figure, median, nsPerCall } from './measure.ts'

/** Ten statements of the kinds that scripts are made of. */
const STATEMENTS = `
    $var(user) = $rU;
    if ($var(user) == NULL) exit;
    $avp(caller) = $fU;
    if ($rm == "INVITE") $var(kind) = "call";
    $var(count) = $var(count) + 1;
    if ($si == 127.0.0.0/8) $var(near) = 1;
    $var(key) = $var(user) + "@" + $rd;
    if ($ua =~ "^Test/") $var(phone) = 1;
    $ru = "sip:" + $var(user) + "@10.0.0.1:5060";
    ok();
`
const ROUNDS = 7
const CALLS = 20_000
const TEST_PHONE = /^Test\//

/** Of the hand-written form, what the script keeps in its variables. */
interface Found {
  user: string
  kind: string
  count: number
  isNear: boolean
  key: string
  isTestPhone: boolean
}

/** The same written by hand. */
function byHand(m: RouteContext, found: Found): Verdict {
  const { message, origin } = m
  const uri = parseUri(m.target.uri)
  if (uri === null || uri.user === '') return 0
  found.user = uri.user
  const caller = parseUri(message.from?.uri ?? '')?.user ?? ''
  m.avps.removeAll('caller')
  if (caller !== '') m.avps.push('caller', caller)
  if (message.method === 'INVITE') found.kind = 'call'
  found.count += 1
  found.isNear = origin.address.startsWith('127.')
  found.key = `${uri.user}@${uri.host}`
  found.isTestPhone = TEST_PHONE.test(message.value(HeaderId.userAgent) ?? '')
  m.target.uri = `sip:${uri.user}@10.0.0.1:5060`
  return 1
}

/**
 * A message through a script of ten statements, to the same by a function written by hand. Each run gets the message anew,
 * so that reading what the statements ask for is part of both; what making it costs by itself is measured and taken off.
 */
export const bench: Bench = async () => {
  const { program } = compileText(`route {${STATEMENTS}}`)
  const route = program.route('request', '0') as Step
  const found: Found = { user: '', kind: '', count: 0, isNear: false, key: '', isTestPhone: false }
  const bare: number[] = []
  const script: number[] = []
  const hand: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(nsPerCall(() => void contextOf(INVITE), CALLS, 1))
    script.push(nsPerCall(() => void route(contextOf(INVITE)), CALLS, 1))
    hand.push(nsPerCall(() => void byHand(contextOf(INVITE), found), CALLS, 1))
  }
  const made = median(bare)
  const [scriptNs, handNs] = [median(script) - made, median(hand) - made]
  const claim = figure('script: a message through ten statements', `${scriptNs.toFixed(0)} ns`)
  return [{ ...claim, against: `${handNs.toFixed(0)} ns by hand`, ratio: scriptNs / handNs }]
}

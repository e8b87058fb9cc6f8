import type { RouteContext, Step, Verdict } from '../../src/script/context.ts'
import { HeaderId } from '../../src/sip/codec/header-id.ts'
import { parseUri } from '../../src/sip/codec/uri.ts'
import { compileText, contextOf, INVITE } from '../script/harness.ts'
import { type Bench, figure, median } from './measure.ts'

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
const ROUNDS = 15
/** Rounds until the code is compiled for good. */
const WARM_UP = 10
const MESSAGES = 4000
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

/** Nanoseconds that each of many new messages takes; making them is left out. */
function nsEach(run: (m: RouteContext) => unknown): number {
  const messages = Array.from({ length: MESSAGES }, () => contextOf(INVITE))
  const startedNs = process.hrtime.bigint()
  for (const m of messages) run(m)
  return Number(process.hrtime.bigint() - startedNs) / MESSAGES
}

/**
 * A message through a script of ten statements, to the same by a function written by hand. Each run gets a message of its
 * own, so that reading what the statements ask for is part of both.
 */
export const bench: Bench = async () => {
  const { program } = compileText(`route {${STATEMENTS}}`)
  const route = program.route('request', '0') as Step
  const found: Found = { user: '', kind: '', count: 0, isNear: false, key: '', isTestPhone: false }
  const script: number[] = []
  const hand: number[] = []
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    script.push(nsEach(route))
    hand.push(nsEach(m => byHand(m, found)))
  }
  const [scriptNs, handNs] = [median(script.slice(WARM_UP)), median(hand.slice(WARM_UP))]
  const claim = figure('script: a message through ten statements', `${scriptNs.toFixed(0)} ns`)
  return [{ ...claim, against: `${handNs.toFixed(0)} ns by hand`, ratio: scriptNs / handNs }]
}

import type { Proto } from '../../sip/net/endpoint.ts'
import type { RequestParts } from '../phone.ts'
import type { PhoneSteps } from '../phone-steps.ts'
import { noDetails, readSent, readWishes } from './details.ts'
import type { Line } from './line.ts'
import { METHOD, readMethod, readMilliseconds, readStatus } from './values.ts'

/** What a line about a phone makes it do. */
export type PhoneAct = (phone: PhoneSteps) => unknown

/** A line about a phone behind its name, and the lines under it. `withinMs`: how long what it waits for may take. */
type ReadVerb = (line: Line, under: readonly Line[], withinMs: number) => PhoneAct

const REGISTERED_S = 3600
const STATUS_OR_CLASS = /^[1-6](\d\d|xx)$/

/** What phones do, by the word that follows their name. */
export const PHONE_VERBS: Readonly<Record<string, ReadVerb>> = {
  registers: (line, under) => {
    const expiresS = line.takes('for') ? Math.round(readMilliseconds(line) / 1000) : REGISTERED_S
    const { headers } = readSent(under)
    return phone => phone.register(expiresS, headers)
  },
  unregisters: (_line, under) => {
    const { headers } = readSent(under)
    return phone => phone.register(0, headers)
  },
  calls: (line, under) => {
    const whom = line.value('whom it calls: a phone, a user or a URI').text
    const { headers, body } = readSent(under)
    return phone => phone.call(whom, { headers, body })
  },
  rings: (_line, under) => replying(180, undefined, 'INVITE', under),
  answers: (_line, under) => replying(200, undefined, 'INVITE', under),
  replies: (line, under) => {
    const status = readStatus(line)
    const reason = line.peek()?.kind === 'quoted' ? line.value('a reason').text : undefined
    return replying(status, reason, line.takes('to') ? readMethod(line) : undefined, under)
  },
  cancels: (_line, under) => {
    const { headers } = readSent(under)
    return phone => phone.cancel(headers)
  },
  hangs: (line, under) => {
    line.oneOf(['up'])
    noDetails(under, 'hangs up')
    return phone => phone.hangUp()
  },
  sends: (line, under) => (line.peek() === null ? sendingRaw(line, under) : sending(line, under)),
  gets: readGets,
  goes: (line, under) => {
    line.oneOf(['away'])
    noDetails(under, 'goes away')
    return phone => phone.setAway(true)
  },
  comes: (line, under) => {
    line.oneOf(['back'])
    noDetails(under, 'comes back')
    return phone => phone.setAway(false)
  },
}

/** Which of them may be waited for. */
export const AWAITED_VERB = 'gets'

function readGets(line: Line, under: readonly Line[], withinMs: number): PhoneAct {
  if (line.takes('nothing')) {
    noDetails(under, 'gets nothing')
    return phone => phone.getsNothing()
  }
  const { text, column } = line.value('a status, a class such as 2xx, a method, or nothing')
  if (!STATUS_OR_CLASS.test(text) && !METHOD.test(text))
    throw line.error(`expected a status such as 200 or 4xx, a method such as INVITE, or nothing; not "${text}"`, column)
  const to = line.takes('to') ? readMethod(line) : undefined
  const wishes = { ...readWishes(under), to }
  return phone => phone.gets(text, wishes, withinMs)
}

function sending(line: Line, under: readonly Line[]): PhoneAct {
  const method = readMethod(line)
  let to: string | undefined
  let inCall = false
  let times = 1
  for (let token = line.peek(); token !== null; token = line.peek()) {
    if (line.takes('to')) to = line.value('whom it is for: a phone, a user or a URI').text
    else if (line.takes('in')) {
      line.oneOf(['call'])
      inCall = true
    } else {
      times = Number(line.value('a number').text)
      if (!Number.isInteger(times) || times < 1)
        throw line.error(`expected to WHOM, in call or NUMBER times, not "${token.text}"`, token.column)
      line.oneOf(['times'])
    }
  }
  const { headers, body } = readSent(under)
  return async phone => {
    const uri = to === undefined ? undefined : phone.uriOf(to)
    const parts: RequestParts = { headers, body, inCall, ...(inCall ? {} : { uri }) }
    for (let i = 0; i < times; i++) await phone.send(method, parts)
  }
}

function sendingRaw(line: Line, under: readonly Line[]): PhoneAct {
  const { block, headers } = readSent(under)
  if (block.length === 0 || Object.keys(headers).length > 0)
    throw line.error('expected a method behind "sends", or a whole message under it, each line after "|"')
  const text = block.map(one => `${one}\r\n`).join('')
  // Without an empty line all of it is headers.
  return phone => phone.sendRaw(block.includes('') ? text : `${text}\r\n`)
}

function replying(
  status: number,
  reason: string | undefined,
  to: string | undefined,
  under: readonly Line[],
): PhoneAct {
  const { headers, body } = readSent(under)
  return phone => phone.reply(status, { reason, headers, body }, to)
}

const PROTOCOLS: readonly Proto[] = ['udp', 'tcp', 'tls', 'ws', 'wss']

/** `at ADDRESS`, `over PROTOCOL`, `as URI`, `password TEXT`, `manual`, in any order. */
export function readPhoneOptions(line: Line) {
  const options: { at?: string; over?: Proto; as?: string; password?: string; manual?: boolean } = {}
  for (let token = line.peek(); token !== null; token = line.peek()) {
    const word = line.oneOf(['at', 'over', 'as', 'password', 'manual'])
    if (word === 'manual') options.manual = true
    else if (word === 'over') options.over = line.oneOf(PROTOCOLS) as Proto
    else options[word as 'at' | 'as' | 'password'] = line.value(`what stands behind ${word}`).text
  }
  return options
}

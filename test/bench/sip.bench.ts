import { atMost, type Bench, type Claim, figure, median } from './measure.ts'
import { Phones, type Recorded } from './sip/phones.ts'
import { Server } from './sip/server.ts'

/** More than any server here can do. */
const FLAT_OUT = 1e6
/** What a processor can do is what counts: the bounds are held where server and echo are as busy as they can be. */
const BUSY = { count: 3000, perSecond: FLAT_OUT }
/** The same where both mostly wait: waking up, with whatever else has passed through the caches meanwhile, is in it. */
const CALLS = { count: 1600, perSecond: 800 }
const REGISTERS = { count: 4000, perSecond: 2000 }
const USERS = 5_000
const ROUNDS = 5
/** So many until the code that runs often is compiled for good. */
const WARM_UP_CALLS = 30_000

/** One thing measured again and again: processor time of its server for each exchange, microseconds. */
interface Course {
  readonly server: Server
  readonly load: typeof CALLS
  readonly run: (count: number, perSecond: number) => Promise<void>
  readonly usEach: number[]
}

async function oneRound({ server, load: { count, perSecond }, run, usEach }: Course): Promise<void> {
  // Not counted: while others had their turns the runtime has given memory back, and takes it anew bit by bit.
  await run(BUSY.count, FLAT_OUT)
  const before = await server.ask('cpu')
  await run(count, perSecond)
  usEach.push(((await server.ask('cpu')) - before) / count)
}

/** All in turn, so that they see the same noise; the first rounds only warm up. */
async function inTurns(courses: readonly Course[]): Promise<readonly number[]> {
  for (let round = 0; round < ROUNDS + 2; round++) for (const course of courses) await oneRound(course)
  return courses.map(({ usEach }) => median(usEach.slice(2)))
}

const us = (value: number): string => `${value.toFixed(1)} µs`

async function phonesOf(server: Server): Promise<Phones> {
  const phones = await Phones.open(server.port)
  await phones.registerBob()
  return phones
}

/** Heap that each contact takes, bytes: what registering so many adds. */
async function heapPerContact(server: Server, phones: Phones): Promise<number> {
  const before = await server.ask('heap')
  await phones.register(USERS, FLAT_OUT, USERS)
  return ((await server.ask('heap')) - before) / USERS
}

const course = (server: Server, load: typeof CALLS, run: Course['run']): Course => ({ server, load, run, usEach: [] })

/** Processor time of an exchange through the proxy, and of the echo of as many datagrams at the same rate. */
function pair(echo: Side, proxy: Side, load: typeof CALLS, what: Exchange): readonly [Course, Course] {
  const echoed: Course['run'] = (count, perSecond) => echo.phones.echo(what.datagrams, count, perSecond)
  return [course(echo.server, load, echoed), course(proxy.server, load, what.run)]
}

interface Side {
  readonly server: Server
  readonly phones: Phones
}

interface Exchange {
  readonly name: string
  readonly datagrams: readonly Recorded[]
  readonly run: (count: number, perSecond: number) => Promise<void>
}

async function exchange(phones: Phones, name: string, run: Exchange['run']): Promise<Exchange> {
  return { name, run, datagrams: await phones.record(() => run(1, 1000)) }
}

function claim(
  [echoUs = 0, proxyUs = 0]: readonly number[],
  { name, datagrams }: Exchange,
  bound: number | null,
): Claim {
  const against = `${us(echoUs)} echo of ${datagrams.length} datagrams`
  const made = atMost(`SIP: processor time of a ${name}`, us(proxyUs), against, proxyUs / echoUs, bound ?? Infinity)
  return bound === null ? { ...made, bound: '' } : made
}

const atLowLoad = (exchange: Exchange): Exchange => ({
  ...exchange,
  name: `${exchange.name}, ${CALLS.perSecond} a second`,
})

/** The same the other way round: how many in a second of processor time. */
const perSecond = (what: string, [echoUs = 0, proxyUs = 0]: readonly number[]): Claim => ({
  ...figure(`SIP: ${what} for each second of processor time`, (1e6 / proxyUs).toFixed(0)),
  against: `${(1e6 / echoUs).toFixed(0)} echoes`,
  ratio: echoUs / proxyUs,
})

export const bench: Bench = async () => {
  const [echoServer, quietServer, fullServer, accountingServer] = await Promise.all([
    Server.echo(),
    Server.quickstart(true),
    Server.quickstart(false),
    Server.accounting(),
  ])
  const echo = { server: echoServer, phones: await Phones.open(echoServer.port) }
  const quiet = { server: quietServer, phones: await phonesOf(quietServer) }
  const full = { server: fullServer, phones: await phonesOf(fullServer) }
  const accounting = { server: accountingServer, phones: await phonesOf(accountingServer) }
  for (const { phones } of [quiet, full, accounting]) await phones.call(WARM_UP_CALLS, FLAT_OUT)
  const contactBytes = await heapPerContact(quietServer, quiet.phones)
  const call = await exchange(quiet.phones, 'call', (count, rate) => quiet.phones.call(count, rate))
  const fullCall = await exchange(full.phones, 'call with the subscriptions of the quickstart', (count, rate) =>
    full.phones.call(count, rate),
  )
  const recordedCall = await exchange(accounting.phones, 'call with dialog and CDR', (count, rate) =>
    accounting.phones.call(count, rate),
  )
  const register = await exchange(quiet.phones, 'REGISTER', (count, rate) => quiet.phones.register(count, rate, USERS))
  const results = await inTurns([
    ...pair(echo, quiet, BUSY, call),
    ...pair(echo, accounting, BUSY, recordedCall),
    ...pair(echo, full, BUSY, fullCall),
    ...pair(echo, quiet, CALLS, call),
    ...pair(echo, accounting, CALLS, recordedCall),
    ...pair(echo, quiet, REGISTERS, register),
  ])
  for (const { server, phones } of [echo, quiet, full, accounting]) {
    phones.close()
    await server.stop()
  }
  return [
    claim(results.slice(0, 2), call, 2.5),
    claim(results.slice(2, 4), recordedCall, 3),
    claim(results.slice(4, 6), fullCall, null),
    claim(results.slice(6, 8), atLowLoad(call), null),
    claim(results.slice(8, 10), atLowLoad(recordedCall), null),
    claim(results.slice(10, 12), register, null),
    perSecond('calls', results.slice(0, 2)),
    perSecond('calls with dialog and CDR', results.slice(2, 4)),
    perSecond('REGISTERs', results.slice(10, 12)),
    figure('SIP: heap of a registered contact', `${contactBytes.toFixed(0)} bytes`),
  ]
}

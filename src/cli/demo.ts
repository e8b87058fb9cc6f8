import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type RunningProxy, startFile } from '../main.ts'
import type { CliCommand, CliIo } from './command.ts'
import { freePort } from './demo/free-port.ts'
import { Phone } from './demo/phone.ts'
import { Witnesses } from './demo/witnesses.ts'

const demo: CliCommand = {
  usage: 'demo [--keep]',
  summary: 'Runs examples/quickstart.cfg, lets two phones use it and shows every event as each subscriber gets it.',
  run: async (argv, io) => {
    const { values } = parseArgs({ args: [...argv], options: { keep: { type: 'boolean' } } })
    return await runDemo(io, values.keep ?? false)
  },
}
export default demo

/** What the quickstart names that must be free on this machine, and the file it writes. */
interface Places {
  readonly sip: number
  readonly http: number
  readonly receiver: number
  readonly folder: string
  readonly file: string
}

async function runDemo(io: CliIo, keep: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-demo-'))
  const places: Places = {
    sip: await freePort(),
    http: await freePort(),
    receiver: await freePort(),
    folder,
    file: join(folder, 'fanfare.events'),
  }
  const witnesses = await Witnesses.open(places.receiver, places.file, line => io.stdout.write(`${line}\n`))
  try {
    const proxy = await start(places, io, witnesses)
    if (proxy === null) return 1
    try {
      await play(places, line => io.stdout.write(`${line}\n`))
      const complete = await witnesses.allArrived(proxy.host.bus.subscriptions())
      io.stdout.write(`\n${witnesses.table(proxy.host.bus.subscriptions())}\n`)
      io.stdout.write(
        complete
          ? '\nEvery event raised reached every subscriber that asked for it.\n'
          : '\nSomething did not arrive.\n',
      )
      if (keep) await waitForSignal(places, io)
      return complete ? 0 : 1
    } finally {
      await proxy.stop(AbortSignal.timeout(5000))
    }
  } finally {
    await witnesses.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts the quickstart as it stands, but on ports and a file that are free here. */
async function start(places: Places, io: CliIo, witnesses: Witnesses): Promise<RunningProxy | null> {
  const file = join(
    dirname(fileURLToPath(import.meta.url)),
    '..',
    '..',
    ...(import.meta.url.includes('/dist/') ? ['..'] : []),
    'examples',
    'quickstart.cfg',
  )
  io.stdout.write(
    `Starting examples/quickstart.cfg on udp:127.0.0.1:${places.sip}, management on http://127.0.0.1:${places.http}/mi\n\n`,
  )
  const started = await startFile({
    file,
    sockets: [`udp:127.0.0.1:${places.sip}`, `tcp:127.0.0.1:${places.sip}`],
    rewrite: text =>
      text
        .replaceAll('/tmp/fanfare.events', places.file)
        .replaceAll('udp:127.0.0.1:8081', `udp:127.0.0.1:${places.receiver}`)
        .replace('loadmodule "mi_http.so"', `loadmodule "mi_http.so"\nmodparam("httpd", "port", ${places.http})`),
    write: line => witnesses.log(line),
  })
  if (started.proxy === null) io.stderr.write(started.text)
  return started.proxy
}

/** Two phones register, one refreshes, one calls the other and hangs up, one unregisters. */
async function play(places: Places, say: (line: string) => void): Promise<void> {
  const alice = await Phone.create('alice', places.sip)
  const bob = await Phone.create('bob', places.sip)
  try {
    const step = async (what: string, run: () => Promise<unknown>): Promise<void> => {
      say(`── ${what}`)
      await run()
      // The subscribers get their events behind the back of the SIP path: let them speak before the next step.
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    await step('alice registers', () => alice.register(300))
    await step('bob registers', () => bob.register(300))
    await step('alice refreshes her registration', () => alice.register(300))
    await step('alice calls bob, and hangs up', () => alice.callAndHangUp('bob'))
    await step('bob unregisters', () => bob.register(0))
    await step('alice unregisters', () => alice.register(0))
  } finally {
    alice.close()
    bob.close()
  }
}

async function waitForSignal(places: Places, io: CliIo): Promise<void> {
  io.stdout.write(
    `\nStill running. Try, in another terminal:\n  npx fanfare tail --url http://127.0.0.1:${places.http}/mi\n  npx fanfare mi subscribers_list --url http://127.0.0.1:${places.http}/mi\nCtrl-C ends it.\n`,
  )
  await new Promise<void>(resolve => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
    const alive = setInterval(() => {}, 2 ** 30)
    process.once('SIGINT', () => clearInterval(alive))
    process.once('SIGTERM', () => clearInterval(alive))
  })
}

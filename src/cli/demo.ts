import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { RunningProxy } from '../main.ts'
import type { CliCommand, CliIo } from './command.ts'
import { freePort } from './demo/free-port.ts'
import { Phone, PhoneError } from './demo/phone.ts'
import { Witnesses } from './demo/witnesses.ts'
import { StopSignals } from './stop-signals.ts'
import { packageRoot } from './version.ts'

const demo: CliCommand = {
  usage: 'demo [--keep] [--script FILE]',
  summary:
    'Runs examples/quickstart.cfg, or FILE in its place, lets two phones use it and shows every event as each subscriber ' +
    'gets it. Exit status 1 when one does not arrive. --keep leaves the proxy running until a signal.',
  run: async (argv, io) => {
    const { values } = parseArgs({
      args: [...argv],
      options: { keep: { type: 'boolean' }, script: { type: 'string', default: quickstart } },
    })
    return await runDemo(values.script, values.keep ?? false, io)
  },
}
export default demo

const quickstart = join(packageRoot, 'examples', 'quickstart.cfg')

/** What the quickstart names that must be free on this machine, and the file it writes. */
interface Places {
  readonly sip: number
  readonly http: number
  readonly receiver: number
  readonly folder: string
  readonly file: string
}

async function runDemo(script: string, keep: boolean, io: CliIo): Promise<number> {
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
    const proxy = await start(script, places, io, witnesses)
    return proxy === null ? 1 : await show(proxy, places, witnesses, keep, io)
  } finally {
    await witnesses.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function show(
  proxy: RunningProxy,
  places: Places,
  witnesses: Witnesses,
  keep: boolean,
  io: CliIo,
): Promise<number> {
  const signals = new StopSignals()
  try {
    await play(places, line => io.stdout.write(`${line}\n`))
    const complete = await witnesses.allArrived(proxy.host.bus.subscriptions())
    io.stdout.write(`\n${witnesses.table(proxy.host.bus.subscriptions())}\n`)
    io.stdout.write(
      complete ? '\nEvery event raised reached every subscriber that asked for it.\n' : '\nSomething did not arrive.\n',
    )
    if (keep) {
      io.stdout.write(stillRunning(places))
      await signals.first
    }
    return complete ? 0 : 1
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error
    io.stderr.write(`${error.message}\n`)
    return 1
  } finally {
    await proxy.stop(AbortSignal.timeout(5000))
    signals.release()
  }
}

/** Starts the script as it stands, but on ports and a file that are free here. */
async function start(file: string, places: Places, io: CliIo, witnesses: Witnesses): Promise<RunningProxy | null> {
  const inside = relative(packageRoot, resolve(file))
  const name = inside.startsWith('..') ? file : inside
  io.stdout.write(
    `Starting ${name} on udp:127.0.0.1:${places.sip}, management on http://127.0.0.1:${places.http}/mi\n\n`,
  )
  const { startFile } = await import('../main.ts')
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
    const step = async (what: string, run: () => Promise<void>): Promise<void> => {
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

const stillRunning = ({ http }: Places): string => `
Still running. Try, in another terminal:
  npx fanfare tail --url http://127.0.0.1:${http}/mi
  npx fanfare mi subscribers_list --url http://127.0.0.1:${http}/mi
Ctrl-C ends it.
`

import { parseArgs } from 'node:util'
import { type RunningProxy, startFile } from '../main.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'

/** How long a stop may take before what is left is cut off. */
const DRAIN_MS = 10_000

const run: CliCommand = {
  usage: 'run FILE [-l udp:IP:PORT]…',
  summary: 'Runs the proxy on a configuration until SIGTERM. -l listens there instead of on the sockets of the file.',
  run: async (argv, io) => {
    const { positionals, values } = parseArgs({
      args: [...argv],
      options: { listen: { type: 'string', short: 'l', multiple: true } },
      allowPositionals: true,
    })
    const [file] = positionals
    if (file === undefined || positionals.length > 1) throw new UsageError('run needs one configuration file')
    return await serve({ file, sockets: values.listen ?? [] }, io)
  },
}
export default run

export interface ServeOptions {
  readonly file: string
  readonly sockets: readonly string[]
  readonly preprocessor?: string | null
  readonly extraLogLevel?: number
  /** Called once every socket is open. */
  readonly onReady?: (proxy: RunningProxy) => void
}

/** Starts a proxy, waits for the signal that ends it, drains it. Gives the exit status. */
export async function serve(options: ServeOptions, io: CliIo): Promise<number> {
  const started = await startFile({
    file: options.file,
    sockets: options.sockets,
    preprocessor: options.preprocessor ?? null,
    extraLogLevel: options.extraLogLevel ?? 0,
    write: line => io.stderr.write(line),
  })
  if (started.proxy === null) {
    io.stderr.write(started.text)
    return 1
  }
  const { proxy } = started
  options.onReady?.(proxy)
  await stopRequested(proxy)
  return await drain(proxy)
}

/** Settles with the first SIGTERM or SIGINT, or when a management command asks for the stop. */
function stopRequested(proxy: RunningProxy): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
    void proxy.stopRequested.then(resolve)
    // Timers of an idle proxy do not keep the process alive; its sockets do, and a proxy without sockets still serves timers.
    const alive = setInterval(() => {}, 2 ** 30)
    void proxy.closed.then(() => clearInterval(alive))
  })
}

/** Lets what runs come to its end, at most {@link DRAIN_MS}; a second signal cuts it at once. */
async function drain(proxy: RunningProxy): Promise<number> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), DRAIN_MS)
  const second = (): never => process.exit(1)
  process.once('SIGTERM', second)
  process.once('SIGINT', second)
  await proxy.stop(abort.signal)
  clearTimeout(timer)
  process.off('SIGTERM', second)
  process.off('SIGINT', second)
  return 0
}

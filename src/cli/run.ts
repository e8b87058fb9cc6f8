import { parseArgs } from 'node:util'
import type { RunningProxy, StartOptions } from '../main.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import { StopSignals } from './stop-signals.ts'

/** How long a stop may take before what is left is cut off. */
const DRAIN_MS = 8_000

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

export interface ServeOptions extends Omit<StartOptions, 'write'> {
  /** Called once it serves. */
  readonly onReady?: (proxy: RunningProxy) => void
}

/**
 * Starts a proxy, waits for the signal that ends it, drains it. Gives the exit status: 0 after an orderly end, 1 when it
 * could not start. A second signal ends the process at once.
 */
export async function serve({ onReady, ...options }: ServeOptions, io: CliIo): Promise<number> {
  const signals = new StopSignals()
  try {
    const { startFile } = await import('../main.ts')
    const { proxy, text } = await startFile({ ...options, write: line => io.stderr.write(line) })
    if (proxy === null) {
      io.stderr.write(text)
      return 1
    }
    onReady?.(proxy)
    await Promise.race([signals.first, proxy.stopRequested])
    await drain(proxy)
    return 0
  } finally {
    signals.release()
  }
}

/** Lets what runs come to its end, at most {@link DRAIN_MS}. */
async function drain(proxy: RunningProxy): Promise<void> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), DRAIN_MS)
  await proxy.stop(abort.signal)
  clearTimeout(timer)
}

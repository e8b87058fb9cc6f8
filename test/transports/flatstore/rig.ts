import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { BufferedSink } from '../../../src/events/buffered-sink.ts'
import type { PayloadFormat, Sink, Transport, TransportHost } from '../../../src/events/transport.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import flatstore from '../../../transports/flatstore/index.ts'
import { openTransport, setUpTransport, silentLog } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'

export const START_MS = Date.UTC(2026, 0, 1)

type Rotation = { timestamp: string; reason: string; filename: string; old_filename: string }
type Send = (...texts: string[]) => Promise<string[]>
type Rotate = (args: { path_to_file: string }) => Promise<unknown>

/** Runs of the flat store in a folder of their own, one after the other, on a clock that the test moves. */
export class FlatStoreRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'fanfare-rotation-'))
  readonly clock = new VirtualClock(START_MS)
  readonly rotations: Rotation[] = []
  readonly #sinks: Sink[] = []
  #transport: Transport | undefined
  #rotate: Rotate = async () => undefined

  constructor() {
    onTestFinished(async () => {
      await this.end()
      rmSync(this.folder, { recursive: true, force: true })
    })
  }

  /** Sets the module up anew; `names` are what the suffix expands to, one after the other. */
  setUp(params: Readonly<Record<string, unknown>>, names: string[] = []): void {
    const module: typeof flatstore = {
      spec: flatstore.spec,
      setup: context =>
        flatstore.setup({
          ...context,
          raise: { E_FLATSTORE_ROTATION: fields => this.rotations.push(fields) },
          expand: () => names.shift() ?? '.end',
        }),
    }
    const { transports, commands } = setUpTransport(module, params, this.clock)
    this.#transport = transports[0]
    this.#rotate = (commands as unknown as { rotate: Rotate }).rotate
  }

  /** Opens a socket; gives a function that sends texts through it and gives what became of each. */
  async open(file = 'x.log', format?: PayloadFormat): Promise<Send> {
    const { host: base } = openTransport([flatstore])
    const host: TransportHost = { ...base, format, buffered: link => new BufferedSink(link, this.clock, silentLog) }
    const transport = this.#transport as Transport
    const sink = transport.open(transport.parse(join(this.folder, file), host), host)
    this.#sinks.push(sink)
    await whenUp(sink)
    return async (...texts) => {
      const deadlineMs = this.clock.monotonicMs() + 60_000
      const sent = texts.map(text => sink.send(sampleEvent('E_M', null, [text]), deadlineMs))
      return (await Promise.all(sent)).map(({ outcome }) => outcome)
    }
  }

  rotate(file = 'x.log'): Promise<unknown> {
    return this.#rotate({ path_to_file: join(this.folder, file) })
  }

  content(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8')
  }

  /** Closes every socket, in order. */
  async end(): Promise<void> {
    for (const sink of this.#sinks.splice(0)) await sink.close(AbortSignal.timeout(5000))
  }
}

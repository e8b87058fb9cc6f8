import { resolve } from 'node:path'
import {
  type Address,
  AddressError,
  defineTransport,
  type PayloadFormat,
  type Transport,
  type TransportHost,
  tryEncode,
} from '../../src/events/transport.ts'
import type { Log } from '../../src/log/log.ts'
import { arg, field, optionalParam, param } from '../../src/util/spec.ts'
import type { LineForm } from './flat-file.ts'
import { FlatFiles, rotateEvery } from './flat-files.ts'
import { FlatstoreLink, FlatstoreSink } from './link.ts'
import type { LineWriter } from './piece.ts'
import { recordWriter } from './record.ts'

interface FlatstoreAddress extends Address {
  readonly path: string
}

/** One line each; the text form takes several. */
const FORMATS = ['csv', 'json', 'jsonrpc', 'cloudevents'] as const satisfies readonly PayloadFormat[]
const DEFAULT_MODE = 0o644
const DEFAULT_MAX_FILES = 100
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** `flatstore:` — events as lines of a text file. */
export default defineTransport(
  {
    module: 'event_flatstore',
    doc: 'Writes events as lines of delimited values to files, and rotates them.',
    grammar: '"flatstore:" path',
    examples: ['flatstore:/tmp/opensips.events', 'flatstore:/var/log/cdr.csv'],
    promises: { ordered: true, delivered: 'written', noticesAbsence: true },
    params: {
      format: optionalParam(
        'str',
        'Form of the lines where a subscription asks for none: `csv` (with a header line), `json`, `jsonrpc` or `cloudevents`. Without it plain values between delimiters, as OpenSIPS writes them, which cannot always be read back.',
      ),
      max_open_sockets: param('int', DEFAULT_MAX_FILES, 'Most files at a time, 1 to 65535.'),
      delimiter: param('str', ',', 'Stands between the columns.'),
      escape_delimiter: optionalParam(
        'str',
        'Replaces each delimiter inside a value; as long as the delimiter. Without it a blank does.',
      ),
      newline_replacement: optionalParam(
        'str',
        'Replaces each line end inside a value. Without it they are written raw.',
      ),
      file_permissions: param('str', '644', 'Permissions of a new file, octal, subject to the umask.'),
      suppress_event_name: param('int', 0, 'Leave out the name of the event.'),
      rotate_period: param('int', 0, 'Rotate whenever Unix time is a multiple of this; 0 for never.', { unit: 's' }),
      rotate_count: param('str', '0', 'Rotate after so many lines; 0 for never.'),
      rotate_size: param('str', '0', 'Rotate after so many bytes, with k, m or g in units of 1024; 0 for never.'),
      suffix: optionalParam(
        'str',
        'What follows the path in the file name; may hold variables, read at each rotation.',
      ),
      manifest: param(
        'int',
        0,
        'Keep `PATH.manifest`, which tells a consumer the files that are complete: a JSON document, replaced as a whole, with `name`, `state` (`open` or `complete`), `opened`, `closed`, `reason`, `events`, the id and sequence of the `first` and the `last` event, `lines`, `bytes` and `sha256` of each.',
      ),
    },
    events: {
      E_FLATSTORE_ROTATION: {
        doc: 'A flatstore file was rotated.',
        fields: {
          timestamp: field('str', 'Unix time of the rotation, seconds.'),
          reason: field('str', '`count`, `size`, `period` or `mi`.'),
          filename: field('str', 'File written from now on.'),
          old_filename: field('str', 'File written before.'),
        },
      },
    },
    commands: {
      rotate: {
        args: [arg('path_to_file', 'str', 'The path as it was subscribed.')],
        doc: 'Rotates a file, or reopens it after it was moved.',
        aliases: ['evi_flat_rotate'],
      },
    },
  },
  ({ params, clock, log, raise, expand }) => {
    const { delimiter, escape_delimiter: escapeDelimiter, suffix } = params
    if (delimiter === '') throw new Error('event_flatstore: delimiter must not be empty')
    if (escapeDelimiter !== undefined && escapeDelimiter.length !== delimiter.length)
      throw new Error(`event_flatstore: escape_delimiter must be as long as delimiter (${delimiter.length})`)
    const record = recordWriter({
      delimiter,
      escapeDelimiter,
      newlineReplacement: params.newline_replacement,
      suppressEventName: params.suppress_event_name !== 0,
    })
    const preferred = formatParam(params.format)
    const files = new FlatFiles({
      clock,
      log,
      delimiter,
      mode: permissions(params.file_permissions, log),
      maxFiles: maxFiles(params.max_open_sockets, log),
      hasManifest: params.manifest !== 0,
      rotateCount: sizeOf('rotate_count', params.rotate_count, /^(\d+)()$/),
      rotateSizeBytes: sizeOf('rotate_size', params.rotate_size, /^(\d+)([kmg]?)$/i),
      suffix: () => (suffix === undefined ? '' : expand(suffix)),
      onRotation: ({ reason, filename, oldFilename }) => {
        const timestamp = String(Math.floor(clock.nowMs() / 1000))
        raise.E_FLATSTORE_ROTATION({ timestamp, reason, filename, old_filename: oldFilename })
      },
    })
    const timer = params.rotate_period > 0 ? rotateEvery(params.rotate_period, clock, files) : undefined
    const transport: Transport<FlatstoreAddress> = {
      scheme: 'flatstore',
      parse: parsePath,
      formats: FORMATS,
      open(address, host) {
        const format = host.format ?? preferred
        const file = files.acquire(address.path, format ?? 'plain lines', lineForm(format, record, host))
        return new FlatstoreSink(host.buffered(new FlatstoreLink(file)), () => files.release(file))
      },
    }
    return {
      transports: [transport],
      commands: {
        async rotate({ path_to_file: path }) {
          const file = files.find(path)
          if (file === undefined) throw new CommandError(400, 'File not found')
          await file.rotate('mi')
          return 'OK'
        },
      },
      async stop() {
        timer?.clear()
      },
    }
  },
)

function formatParam(text: string | undefined): (typeof FORMATS)[number] | undefined {
  const format = FORMATS.find(known => known === text)
  if (text !== undefined && format === undefined)
    throw new Error(`event_flatstore: format must be one of ${FORMATS.join(', ')}, not "${text}"`)
  return format
}

function lineForm(format: PayloadFormat | undefined, record: LineWriter, host: TransportHost): LineForm {
  if (format === undefined) return record
  if (format === 'csv') return 'csv'
  const codec = host.codec('message', format)
  return (text, event) => {
    const bytes = tryEncode(event, codec)
    return Buffer.isBuffer(bytes) ? `${text}${bytes}\n` : bytes
  }
}

/** Answered by the management interface with this code and message. */
class CommandError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

function parsePath(path: string): FlatstoreAddress {
  if (path === '') throw new AddressError('expected the path of a file', path, 0)
  const nul = path.indexOf('\0')
  if (nul >= 0) throw new AddressError('a path cannot hold a NUL', path, nul)
  return { scheme: 'flatstore', text: `flatstore:${path}`, key: `flatstore:${resolve(path)}`, path }
}

function permissions(text: string, log: Log): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8)
  log.warn('file_permissions is no octal number; 644 is used', { value: text })
  return DEFAULT_MODE
}

function maxFiles(value: number, log: Log): number {
  if (value >= 1 && value <= 65535) return value
  log.warn('max_open_sockets is not from 1 to 65535; the default is used', { value, used: DEFAULT_MAX_FILES })
  return DEFAULT_MAX_FILES
}

function sizeOf(name: string, text: string, form: RegExp): number {
  const found = form.exec(text.trim())
  if (found === null) throw new Error(`event_flatstore: ${name} is no size: "${text}"`)
  return Number(found[1]) * (UNITS[(found[2] ?? '').toLowerCase()] ?? 1)
}

import { UsageError } from './command.ts'

/** What a command line in OpenSIPS's own style asks for. */
export interface OpensipsFlags {
  readonly file: string
  readonly sockets: readonly string[]
  /** `-C`, `-c`: check the configuration and end. */
  readonly checkOnly: boolean
  readonly pidFile: string | null
  /** `-F`, `-D`: stay in the foreground. Without them OpenSIPS becomes a daemon. */
  readonly foreground: boolean
  readonly user: string | null
  readonly group: string | null
  /** `-h`: how to use it. */
  readonly help: boolean
  readonly version: boolean
  /** `-p`: a command the configuration text is piped through before parsing. */
  readonly preprocessor: string | null
  /** `-w`: directory to change to first. */
  readonly workdir: string | null
  /** How often `-d` was given: each raises the log level by one. */
  readonly debug: number
}

const DEFAULT_FILE = '/etc/opensips/opensips.cfg'
/** Flags whose value has no meaning for one process with a managed heap: taken and ignored. */
const IGNORED_WITH_VALUE = new Set(['-m', '-M', '-b', '-n', '-N', '-W', '-t', '-G', '-A', '-k', '-s', '-a', '-S', '-x'])
const IGNORED = new Set(['-r', '-R', '-v', '-T', '-E', '-i', '-6'])

/** Whether a command line is written the way `opensips` is started: a flag comes first. */
export const isOpensipsStyle = (argv: readonly string[]): boolean => /^-[a-zA-Z]/.test(argv[0] ?? '')

/** Parses the flags of the `opensips` program. Throws UsageError. */
export function parseOpensipsFlags(argv: readonly string[]): OpensipsFlags {
  const flags = {
    file: DEFAULT_FILE,
    sockets: [] as string[],
    checkOnly: false,
    pidFile: null as string | null,
    foreground: false,
    user: null as string | null,
    group: null as string | null,
    help: false,
    version: false,
    preprocessor: null as string | null,
    workdir: null as string | null,
    debug: 0,
  }
  const words = expand(argv)
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const value = (): string => words.shift() ?? missing(word ?? '')
    if (word === '-f') flags.file = value()
    else if (word === '-l') flags.sockets.push(value())
    else if (word === '-P') flags.pidFile = value()
    else if (word === '-u') flags.user = value()
    else if (word === '-g') flags.group = value()
    else if (word === '-p') flags.preprocessor = value()
    else if (word === '-w') flags.workdir = value()
    else if (word === '-c' || word === '-C') flags.checkOnly = true
    else if (word === '-F' || word === '-D') flags.foreground = true
    else if (word === '-h') flags.help = true
    else if (word === '-V') flags.version = true
    else if (word === '-d') flags.debug++
    else if (IGNORED_WITH_VALUE.has(word)) value()
    else if (!IGNORED.has(word)) throw new UsageError(`unknown option ${word}: see "fanfare help"`)
  }
  return flags
}

/** Separates `-fFILE` and `-dd` into words. */
function expand(argv: readonly string[]): string[] {
  return argv.flatMap(word => {
    if (!/^-[a-zA-Z]./.test(word)) return [word]
    if (/^-[a-zA-Z]+$/.test(word) && !/^-[flPugmMbnNWwtGpAksaSx]/.test(word))
      return [...word.slice(1)].map(c => `-${c}`)
    return [word.slice(0, 2), word.slice(2)]
  })
}

function missing(flag: string): never {
  throw new UsageError(`option ${flag} needs a value`)
}

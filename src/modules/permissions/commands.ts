import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import { formatAddress } from '../../script/ip-network.ts'
import type { Commands } from '../../util/spec.ts'
import type { AddressRule } from './address-book.ts'
import type { PermissionsParams } from './params.ts'
import type { Partition, Partitions } from './partitions.ts'
import type { RuleFiles, RuleSet } from './rule-files.ts'
import { openBase, pairsWith } from './rule-functions.ts'

const partition = optional(arg('partition', 'str', 'Partition; every one if absent.'))

/** Management commands. */
export const permissionsCommands = {
  address_reload: {
    args: [partition],
    doc: 'Loads the addresses anew. What cannot be read stays as it was.',
  },
  address_dump: { args: [partition], doc: 'Lists the rows that are single addresses.' },
  subnet_dump: { args: [partition], doc: 'Lists the rows that are networks.' },
  allow_uri: {
    args: [
      arg('basename', 'str', 'Both files of rules without their suffixes.'),
      arg('uri', 'str', 'URI on the left.'),
      arg('contact', 'str', 'URI on the right.'),
    ],
    doc: 'Asks files of rules about a pair of URIs.',
  },
} as const

interface CommandsParts {
  readonly partitions: Partitions
  readonly files: RuleFiles
  readonly params: PermissionsParams
}

/** Handlers of {@link permissionsCommands}. */
export function permissionsCommandHandlers(
  parts: CommandsParts,
): Commands<{ readonly commands: typeof permissionsCommands }> {
  const { partitions } = parts
  const choose = (name: string | undefined): readonly Partition[] => {
    if (name === undefined) return partitions.used()
    const found = partitions.find(name)
    if (found === undefined) throw new MiError(404, 'No such partition', name)
    return [found]
  }
  const dump = (name: string | undefined, isWanted: (rule: AddressRule) => boolean) => ({
    Partitions: choose(name).map(({ name: title, book }) => ({
      name: title,
      Destinations: book.rules.filter(isWanted).map(describe),
    })),
  })
  const isSingle = ({ bytes, bits }: AddressRule): boolean => bits === bytes.length * 8
  return {
    address_reload: async ({ partition: name }) => {
      for (const one of choose(name)) await reload(partitions, one)
      return 'OK'
    },
    address_dump: ({ partition: name }) => dump(name, isSingle),
    subnet_dump: ({ partition: name }) => dump(name, rule => !isSingle(rule)),
    allow_uri: ({ basename, uri, contact }) => {
      const pairs = pairsWith(uri, [contact])
      if (pairs === null) throw new MiError(400, 'Bad parameter value', 'expected SIP URIs')
      if (!rulesOf(parts, basename).permits(pairs)) throw new MiError(403, 'Forbidden')
      return 'OK'
    },
  }
}

function rulesOf({ files, params }: CommandsParts, basename: string): RuleSet {
  try {
    return openBase(files, params, basename)
  } catch (error) {
    throw new MiError(500, 'Internal error', error instanceof Error ? error.message : String(error))
  }
}

async function reload(partitions: Partitions, partition: Partition): Promise<void> {
  try {
    await partitions.load(partition)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MiError(500, 'Internal error', reason)
  }
}

function describe({ group, bytes, bits, port, proto, pattern, info }: AddressRule) {
  return {
    grp: group,
    ip: formatAddress(bytes),
    mask: bits,
    port,
    proto,
    ...(pattern === null ? {} : { pattern }),
    ...(info === null ? {} : { context_info: info }),
  }
}

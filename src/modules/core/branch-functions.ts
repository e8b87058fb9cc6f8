import { arg, functionGroup, optional } from '../../module/define.ts'
import { MAX_BRANCHES, messageSlot, type RouteContext, type Target } from '../../script/context.ts'

/** Groups of equal q still to be tried, the next one first. */
const serialized = messageSlot<readonly (readonly Target[])[]>()

/** Functions that edit the destination set. */
export const branchFunctions = functionGroup(
  {
    append_branch: {
      args: [
        optional(arg('uri', 'str', 'URI of the new branch; the current Request-URI if absent.')),
        optional(arg('q', 'str', 'q value of the new branch, 0…1.')),
      ],
      routes: ['request', 'failure'],
      aliases: ['append_branch_old', 'append_msg_branch'],
      returns: '1 added; −1 the set already holds 12 branches or the q value is wrong',
      doc:
        'Adds a branch to the destination set. Without a URI the current Request-URI is added together with its next ' +
        'hop, path, q, socket and flags, which the message then no longer has.',
    },
    remove_branch: {
      args: [arg('index', 'int', 'Which branch, from 0; negative counts from the end.')],
      routes: ['request', 'failure'],
      aliases: ['remove_msg_branch'],
      returns: '1 removed; −1 there is no such branch',
      doc: 'Removes a branch; those behind it move up.',
    },
    move_msg_branch: {
      args: [arg('from', 'int', 'Index of the branch to move.'), arg('to', 'int', 'Index to move it to.')],
      routes: ['request', 'failure'],
      returns: '1 moved; −1 there is no such branch',
      doc: 'Moves a branch over another, which is lost.',
    },
    swap_msg_branches: {
      args: [arg('a', 'int', 'Index of one branch.'), arg('b', 'int', 'Index of the other.')],
      routes: ['request', 'failure'],
      returns: '1 swapped; −1 there is no such branch',
      doc: 'Exchanges two branches.',
    },
    serialize_branches: {
      args: [
        arg('clear', 'int', '1 forgets what an earlier call left over.'),
        optional(arg('keep_order', 'int', '1 keeps the order of the set and tries its branches one by one.')),
      ],
      routes: ['request', 'failure'],
      returns: '1',
      doc:
        'Takes the destination set apart by q value, highest first; branches of equal q stay together. ' +
        'next_branches() then loads group after group. Does nothing when there is but the Request-URI, or when all q ' +
        'values are equal, unless the order is kept.',
    },
    next_branches: {
      args: [],
      routes: ['request', 'failure'],
      returns: '1 loaded and more groups remain; 2 loaded the last group; −1 none is left',
      doc: 'Loads the next group of serialize_branches(): the first branch becomes the Request-URI, the others branches.',
    },
  },
  () => ({
    append_branch: (uri, q) => m => {
      const quality = q === undefined ? undefined : parseQ(q.read(m))
      if (quality === null || m.branches.length >= MAX_BRANCHES) return -1
      const branch = uri === undefined ? takeCurrent(m) : { ...m.target, uri: uri.read(m) }
      if (quality !== undefined) branch.q = quality
      m.branches.push(branch)
      return 1
    },
    remove_branch: index => m => {
      const at = resolveIndex(m, index.read(m))
      if (at === null) return -1
      m.branches.splice(at, 1)
      return 1
    },
    move_msg_branch: (from, to) => m => {
      const source = resolveIndex(m, from.read(m))
      const destination = resolveIndex(m, to.read(m))
      if (source === null || destination === null) return -1
      const [moved] = m.branches.splice(source, 1)
      if (moved !== undefined && source !== destination)
        m.branches[source < destination ? destination - 1 : destination] = moved
      else if (moved !== undefined) m.branches.splice(source, 0, moved)
      return 1
    },
    swap_msg_branches: (a, b) => m => {
      const first = resolveIndex(m, a.read(m))
      const second = resolveIndex(m, b.read(m))
      if (first === null || second === null) return -1
      const one = m.branches[first]
      const other = m.branches[second]
      if (one !== undefined && other !== undefined) {
        m.branches[first] = other
        m.branches[second] = one
      }
      return 1
    },
    serialize_branches: (clear, keepOrder) => m => {
      if (clear.read(m) !== 0) serialized.set(m, undefined)
      serialize(m, (keepOrder?.read(m) ?? 0) !== 0)
      return 1
    },
    next_branches: () => loadNextGroup,
  }),
)

/** The current Request-URI as a branch of its own; the message keeps only the bare URI. */
function takeCurrent(m: RouteContext): Target {
  const branch = { ...m.target }
  m.target.dstUri = null
  m.target.path = null
  m.target.q = -1
  m.target.flags = 0
  return branch
}

/** q in thousandths, or null where the text is not a q value of RFC 3261 §25.1. */
function parseQ(text: string): number | null {
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Math.round(Number(text) * 1000) : null
}

function resolveIndex(m: RouteContext, index: number): number | null {
  const at = index < 0 ? m.branches.length + index : index
  return at >= 0 && at < m.branches.length ? at : null
}

/** What an earlier call left over comes behind. */
function serialize(m: RouteContext, keepOrder: boolean): void {
  const targets = [{ ...m.target }, ...m.branches]
  const allEqual = targets.every(t => t.q === m.target.q)
  if (m.branches.length === 0 || (allEqual && !keepOrder)) return
  const groups = keepOrder ? targets.map(t => [t]) : groupByQ(targets)
  serialized.set(m, [...groups, ...(serialized.get(m) ?? [])])
  m.branches = []
}

function groupByQ(targets: readonly Target[]): Target[][] {
  const groups: Target[][] = []
  for (const target of targets.toSorted((a, b) => b.q - a.q)) {
    const last = groups.at(-1)
    if (last?.[0]?.q === target.q) last.push(target)
    else groups.push([target])
  }
  return groups
}

function loadNextGroup(m: RouteContext): number {
  const [group = [], ...groups] = serialized.get(m) ?? []
  const [first, ...others] = group
  if (first === undefined) return -1
  serialized.set(m, groups)
  m.target = first
  m.branches = others
  return groups.length > 0 ? 1 : 2
}

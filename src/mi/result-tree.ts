/** A node of the answers of 2.x (events reference §5.8). */
export interface ResultNode {
  /** '' when it has none. */
  readonly name: string
  readonly value: string
  readonly attributes: readonly (readonly [name: string, value: string])[]
  /** Made when it is first asked for, so that a large tree need not be there as a whole. */
  readonly children: ResultNodes
}

/** Siblings that share a name, in order. */
export interface NodeGroup {
  readonly name: string
  /** Whether there may be any number of them; else there is one. */
  readonly isList: boolean
  readonly size: number
  /** Makes one of them, from 0 on. */
  node(index: number): ResultNode
}
export type ResultNodes = readonly NodeGroup[]

/** Deeper results are cut off there: no command gives any. */
const MAX_DEPTH = 64

/**
 * The result of a command as the tree that 2.x would have answered with. `OK` is the empty tree. A member becomes a node; an
 * object the node whose value is its `name` (or the member called as the node is) and whose attributes are the other
 * simple members; a list becomes siblings called by the singular of its name.
 */
export function resultTree(result: unknown): ResultNodes {
  if (result === 'OK' || result === undefined) return []
  if (Array.isArray(result)) return [listGroup('', result, 0)]
  if (isObject(result)) return membersOf(Object.entries(result), 0)
  return [single('', leaf('', result))]
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isSimple = (value: unknown): boolean => typeof value !== 'object' || value === null

const textOf = (value: unknown): string => (value === null || value === undefined ? '' : String(value))

const leaf = (name: string, value: unknown): ResultNode => ({
  name,
  value: textOf(value),
  attributes: [],
  children: [],
})

function membersOf(entries: readonly (readonly [string, unknown])[], depth: number): ResultNodes {
  if (depth > MAX_DEPTH) return []
  return entries.map(([name, value]) =>
    Array.isArray(value) ? listGroup(singular(name), value, depth) : single(name, nodeOf(name, value, depth)),
  )
}

function listGroup(name: string, items: readonly unknown[], depth: number): NodeGroup {
  return { name, isList: true, size: items.length, node: index => nodeOf(name, items[index], depth) }
}

const single = (name: string, node: ResultNode): NodeGroup => ({ name, isList: false, size: 1, node: () => node })

/** All of a group. */
export function* nodesOf(group: NodeGroup): Generator<ResultNode, void, undefined> {
  for (let index = 0; index < group.size; index++) yield group.node(index)
}

function nodeOf(name: string, value: unknown, depth: number): ResultNode {
  if (Array.isArray(value)) return { ...leaf(name, ''), children: [listGroup(name, value, depth + 1)] }
  if (!isObject(value)) return leaf(name, value)
  const entries = Object.entries(value)
  const key = ['name', name].find(candidate => entries.some(([member, v]) => member === candidate && isSimple(v)))
  const own = entries.find(([member]) => member === key)
  const others = entries.filter(entry => entry !== own)
  return new MemberNode(name, textOf(own?.[1]), others, depth)
}

/** A node whose attributes and children are the members of an object. */
class MemberNode implements ResultNode {
  readonly name: string
  readonly value: string
  readonly attributes: ResultNode['attributes']
  readonly #members: readonly (readonly [string, unknown])[]
  readonly #depth: number
  #children: ResultNodes | undefined

  constructor(name: string, value: string, members: readonly (readonly [string, unknown])[], depth: number) {
    this.name = name
    this.value = value
    this.attributes = members.filter(([, v]) => isSimple(v)).map(([member, v]) => [member, textOf(v)] as const)
    this.#members = members.filter(([, v]) => !isSimple(v))
    this.#depth = depth
  }

  get children(): ResultNodes {
    this.#children ??= membersOf(this.#members, this.#depth + 1)
    return this.#children
  }
}

/** `Contacts` → `Contact`, `Processes` → `Process`. */
function singular(name: string): string {
  if (/sses$/i.test(name)) return name.slice(0, -2)
  return /[^s]s$/.test(name) ? name.slice(0, -1) : name
}

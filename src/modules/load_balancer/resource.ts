/** A resource as a destination provides it. */
export interface Resource {
  readonly name: string
  /** How many calls it holds. */
  max: number
  /** URL of the FreeSWITCH that says so; null where the number is fixed. */
  readonly freeswitch: string | null
}

/** The state of a FreeSWITCH, of its heartbeat. */
export interface FreeSwitchState {
  readonly idleCpu: number
  readonly sessions: number
  readonly maxSessions: number
}

/**
 * Reads the resources of a destination, `name=number;name=fs://…`. `initialMax` is for those a FreeSWITCH tells of. Throws
 * an Error that says what is wrong.
 */
export function parseResources(text: string, initialMax: number): readonly Resource[] {
  const resources = namesIn(text).map(item => parseResource(item, initialMax))
  if (resources.length === 0) throw new Error(`expected name=number;name=number, got "${text}"`)
  const twice = resources.find((one, i) => resources.findIndex(({ name }) => name === one.name) !== i)
  if (twice !== undefined) throw new Error(`the resource "${twice.name}" is there twice`)
  return resources
}

function parseResource(item: string, initialMax: number): Resource {
  const [, name = '', value = ''] = /^([\w.-]+)\s*=\s*(\S+)$/.exec(item) ?? []
  if (/^\d{1,9}$/.test(value)) return { name, max: Number(value), freeswitch: null }
  if (/^fs:\/\/./i.test(value)) return { name, max: initialMax, freeswitch: value }
  throw new Error(`expected name=number or name=fs://host, got "${item}"`)
}

/** Items of a text divided by semicolons, each once. */
export function namesIn(text: string): readonly string[] {
  const items = text.split(';').map(item => item.trim())
  return [...new Set(items)].filter(item => item !== '')
}

/**
 * How many calls a FreeSWITCH can take, of which `own` are those it has from us (load_balancer reference, FreeSWITCH): by its
 * idle processor, of the sessions that others leave it.
 */
export function freeSwitchCapacity({ idleCpu, sessions, maxSessions }: FreeSwitchState, own: number): number {
  const left = own < maxSessions ? maxSessions - (sessions - own) : maxSessions
  return Math.trunc((idleCpu / 100) * left)
}

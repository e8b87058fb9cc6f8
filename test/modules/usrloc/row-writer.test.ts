import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Database } from '../../../src/db/database.ts'
import { DatabaseError } from '../../../src/db/database-error.ts'
import type { Store } from '../../../src/db/driver.ts'
import { TextStore } from '../../../src/db/text/text-store.ts'
import type { ContactData } from '../../../src/modules/usrloc/contact.ts'
import { Domain } from '../../../src/modules/usrloc/domain.ts'
import { LOCATION_ROWS } from '../../../src/modules/usrloc/location-table.ts'
import { RowWriter } from '../../../src/modules/usrloc/row-writer.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { recordingLog } from '../../sip/net/peers.ts'

const KEYED = 'contact_id(bigint) '
const COLUMNS =
  'username(str) domain(str,null) contact(str) expires(int) q(double) callid(str) cseq(int) last_modified(int)'
const AORS = ['bob@x', 'Bob@x', 'carol@x']
const NAMES = { useDomain: true, flagNames: () => '', flagMask: () => 0 }

const data = (port: number, callId: string): ContactData => ({
  uri: `sip:u@192.0.2.1:${port}`,
  expiresS: 0,
  q: -1,
  callId,
  cseq: 1,
  flags: 0,
  cflags: 0,
  userAgent: '',
  received: '',
  path: '',
  socket: null,
  methods: 0xffffffff,
  instance: '',
  attr: '',
  shtag: '',
})

/** A store whose every write takes a turn of the event loop, and fails when `isBroken` says so. */
function flaky(store: Store, isBroken: () => boolean): Store {
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    await turn()
    if (isBroken()) throw new DatabaseError('E_DB_STORAGE', 'the disk is away')
    return work()
  }
  return {
    isHandMade: store.isHandMade,
    columns: table => store.columns(table),
    select: (table, query) => write(() => store.select(table, query)),
    insert: (table, row) => write(() => store.insert(table, row)),
    update: (table, row, where) => write(() => store.update(table, row, where)),
    delete: (table, where) => write(() => store.delete(table, where)),
    create: (table, columns) => store.create(table, columns),
    addColumns: (table, columns) => store.addColumns(table, columns),
    close: () => store.close(),
  }
}

async function rig(columns: string) {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-rows-'))
  writeFileSync(join(folder, 'location'), `${columns}\n`)
  const log = recordingLog()
  const state = { failures: 0 }
  const isBroken = () => state.failures-- > 0
  const store = flaky(new TextStore(folder, { followsFiles: false }, log), isBroken)
  const table = await new Database(store, log, 'version', 'text://x').table(LOCATION_ROWS)
  const nobody = () => {}
  const listener = {
    aorInserted: nobody,
    aorDeleted: nobody,
    contactInserted: nobody,
    contactUpdated: nobody,
    contactDeleted: nobody,
  }
  let id = 0
  const domain = new Domain(
    'location',
    new VirtualClock(),
    { newestFirst: false, cseqDelayS: 20 },
    listener,
    () => ++id,
  )
  const failures = { value: 0 }
  const writer = new RowWriter({ domain, table, names: NAMES, log, failures, onChange: nobody })
  domain.rows = writer
  const rows = async () =>
    (await table.select()).map(row => `${row.username}@${row.domain} ${row.contact} ${row.callid}`).sort()
  const memory = () =>
    AORS.flatMap(aor => domain.stored(aor).map(contact => `${aor} ${contact.uri} ${contact.callId}`)).sort()
  const rewrites: Promise<unknown>[] = []
  return { domain, writer, state, failures, rewrites, rows, memory, remove: () => rmSync(folder, { recursive: true }) }
}

const aor = fc.constantFrom(...AORS)
const step = fc.oneof(
  fc.record({
    kind: fc.constant('save' as const),
    aor,
    port: fc.integer({ min: 1, max: 3 }),
    callId: fc.constantFrom('a', 'b'),
  }),
  fc.record({ kind: fc.constant('remove' as const), aor, at: fc.nat(2) }),
  fc.record({ kind: fc.constant('remove all' as const), aor }),
  fc.record({ kind: fc.constant('keep' as const), aor }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('rewrite' as const), aor: fc.option(aor, { nil: undefined }) }),
  fc.record({ kind: fc.constant('turn' as const) }),
  fc.record({ kind: fc.constant('break' as const), writes: fc.integer({ min: 1, max: 4 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take({ domain, writer, state, rewrites }: Awaited<ReturnType<typeof rig>>, action: Step): Promise<void> {
  switch (action.kind) {
    case 'save': {
      const wanted = data(action.port, action.callId)
      const known = domain.stored(action.aor).find(contact => contact.uri === wanted.uri)
      if (known === undefined) domain.insert(action.aor, wanted)
      else domain.update(known, wanted)
      return
    }
    case 'remove': {
      const contact = domain.stored(action.aor)[action.at]
      if (contact !== undefined) domain.remove(contact)
      return
    }
    case 'remove all':
      return void domain.removeAll(action.aor)
    case 'keep':
      return void domain.setKey(action.aor, 'k', 'v')
    case 'flush':
      return void writer.flush()
    case 'rewrite':
      return void rewrites.push(writer.rewrite(action.aor).catch(() => {}))
    case 'turn':
      return turn()
    case 'break':
      state.failures = action.writes
  }
}

describe.each([
  ['with ids', KEYED + COLUMNS],
  ['without ids', COLUMNS],
])('rows %s', (_, columns) => {
  it('are what is in memory, whatever changed while they were written and whatever failed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
        const made = await rig(columns)
        try {
          for (const action of steps) await take(made, action)
          made.state.failures = 0
          await Promise.all(made.rewrites)
          // One for the work that has begun, one for what that left.
          await made.writer.flush()
          expect(await made.writer.flush()).toEqual(new Set())
          expect(await made.rows()).toEqual(made.memory())
          expect(made.writer.pendingCount).toBe(0)
        } finally {
          made.remove()
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('a batch', () => {
  it('writes a contact that changed often once, and gives the addresses that failed', async () => {
    const made = await rig(KEYED + COLUMNS)
    const contact = made.domain.insert('bob@x', data(1, 'a'))
    for (let i = 0; i < 10; i++) made.domain.update(contact, data(1, `c${i}`))
    made.domain.insert('carol@x', data(1, 'a'))
    made.state.failures = 1
    expect(await made.writer.flush()).toEqual(new Set(['bob@x']))
    expect([await made.rows(), made.failures.value, made.writer.pendingCount]).toEqual([
      ['carol@x sip:u@192.0.2.1:1 a'],
      1,
      1,
    ])
    expect(await made.writer.flush()).toEqual(new Set())
    expect(await made.rows()).toEqual(['bob@x sip:u@192.0.2.1:1 c9', 'carol@x sip:u@192.0.2.1:1 a'])
    made.remove()
  })
})

import { describe, expect, it } from 'vitest'
import { answerText, FIFO_WORDING } from '../../../src/mi/doors/text-request.ts'
import { resultTree } from '../../../src/mi/result-tree.ts'
import { nodeLines } from '../../../src/mi/text-form.ts'
import { type ScriptProxy, scriptProxy } from '../../support/script-proxy.ts'

/* A list of everything there is must not keep SIP waiting until it is made and written. */

const COUNT = 20_000

function subscribe({ host: { bus } }: ScriptProxy): void {
  for (let n = 0; n < COUNT; n++)
    bus.subscribe({ event: 'E_CORE_LOG', socket: 'udp:127.0.0.1:9', filter: `message=${n}`, expireS: null, by: 'mi' })
}

async function register({ mi }: ScriptProxy): Promise<void> {
  const contact = { table_name: 'location', expires: 3600, q: '0.5', flags: 0, cflags: '0', methods: 0 }
  for (let n = 0; n < COUNT; n++)
    await mi('ul_add', { ...contact, aor: `u${n}@example.org`, contact: `sip:u${n}@10.0.0.1` })
}

type Rows = readonly Readonly<Record<string, unknown>>[]

interface Listing {
  readonly Events?: readonly { readonly Subscribers: Rows }[]
  readonly Domains?: readonly { readonly AORs: Rows }[]
}

const LISTS = [
  ['subscribers_list', subscribe, 'filter', (result: Listing) => result.Events?.[0]?.Subscribers ?? []],
  ['ul_dump', register, 'AOR', (result: Listing) => result.Domains?.[0]?.AORs ?? []],
] as const

describe.each([false, true])('a list of very many, pretty: %s', pretty => {
  it.each(LISTS)(
    '%s is made and written while messages are served, and is whole',
    async (command, fill, key, rowsOf) => {
      const proxy = await scriptProxy({
        top: 'loadmodule "event_datagram.so"\nloadmodule "usrloc.so"\nloadmodule "registrar.so"',
        route: 'if ($rm == "REGISTER") save("location");\nsl_send_reply(299, "served");',
      })
      await fill(proxy)
      let isDone = false
      const request = JSON.stringify({ jsonrpc: '2.0', method: command, id: 1 })
      const answer = Promise.resolve(proxy.host.mi.handle(request, { pretty })).finally(() => {
        isDone = true
      })
      for (let n = 0; n < 5; n++) {
        expect(await proxy.ask()).toBe('served')
        expect(isDone).toBe(false)
      }
      const text = (await answer) ?? ''
      const { result } = JSON.parse(text) as { result: Listing }
      expect(new Set(rowsOf(result).map(row => row[key])).size).toBe(COUNT)
      expect(text).toBe(JSON.stringify({ jsonrpc: '2.0', result, id: 1 }, null, pretty ? '\t' : undefined))
    },
  )
})

it('the text form of 2.x is made in slices too, and is whole', async () => {
  const proxy = await scriptProxy({
    top: 'loadmodule "event_datagram.so"',
    route: 'sl_send_reply(299, "served");',
  })
  subscribe(proxy)
  let isDone = false
  const caller = { door: 'fifo', remote: '' }
  const answer = answerText(proxy.host.mi, ':subscribers_list:\n\n', caller, { ...FIFO_WORDING, indent: '\t' }).finally(
    () => {
      isDone = true
    },
  )
  for (let n = 0; n < 5; n++) {
    expect(await proxy.ask()).toBe('served')
    expect(isDone).toBe(false)
  }
  const text = (await answer) ?? ''
  expect(text.split('\n').filter(line => /^\tSubscriber:: .*filter=message=\d+/.test(line))).toHaveLength(COUNT)
  expect(text).toBe(`200 OK\n${nodeLines(resultTree(await proxy.mi('subscribers_list')), '\t')}\n`)
})

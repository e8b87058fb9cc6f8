import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AddMode, parseQueue, Queue } from '../../../src/modules/mqueue/queue.ts'
import { tableProxy } from '../../support/table-proxy.ts'

interface QueueOptions {
  readonly queues: readonly string[]
  readonly route?: string
  readonly routes?: string
  readonly tables?: Readonly<Record<string, string>>
}

async function queueing({ queues, route = 'exit;', routes = '', tables = {} }: QueueOptions) {
  const script = `
xlog_level=4
loadmodule "sl.so"
loadmodule "db_text.so"
loadmodule "mqueue.so"
modparam("mqueue", "db_url", "text://@DB@")
${queues.map(text => `modparam("mqueue", "mqueue", "${text}")\n`).join('')}
route { ${route} }
${routes}
`
  const proxy = await tableProxy({ script, tables })
  return {
    ...proxy,
    ask: async (): Promise<string> => {
      proxy.phone.request('MESSAGE', proxy.port)
      return (await proxy.phone.nextReply(299)).reason
    },
  }
}

describe('a queue', () => {
  it('gives what was added first, with its key; a message keeps what it fetched until it frees it', async () => {
    const { ask } = await queueing({
      queues: ['name=q'],
      route: `
        mq_add("q", "a", "1"); mq_add("q", "b", "2"); mq_size("q"); $var(n) = $rc;
        mq_fetch("q"); $var(x) = $mqk(q) + $mqv(q) + $mq_size(q);
        mq_fetch("q"); $var(y) = $mqk(q) + $mqv(q);
        mq_pv_free("q"); $var(z) = $mqk(q);
        mq_size("q"); $var(e) = $rc; mq_fetch("q"); $var(f) = $rc;
        sl_send_reply(299, "$var(n) $var(x) $var(y) $var(z) $var(e) $var(f)");`,
    })
    expect(await ask()).toBe('2 a11 b2 <null> -1 -1')
  })

  it('one route fills it, a timer route empties it', async () => {
    const { ask, clock, logged } = await queueing({
      queues: ['name=jobs'],
      route: 'mq_add("jobs", "$ci", "work"); sl_send_reply(299, "x");',
      routes: 'timer_route[empty, 1] { while (mq_fetch("jobs")) { xlog("done $mqv(jobs)\\n"); } }',
    })
    for (let i = 0; i < 3; i++) await ask()
    await clock.advance(1000)
    expect(logged('done work')).toBe(3)
  })

  it('is managed by commands', async () => {
    const { ask, mi } = await queueing({
      queues: ['name=q', 'name=other'],
      route: 'mq_add("q", "k", "v"); sl_send_reply(299, "x");',
    })
    await ask()
    expect(await mi('mq_get_sizes')).toEqual([
      { name: 'q', size: 1 },
      { name: 'other', size: 0 },
    ])
    expect(await mi('mq_fetch', { name: 'q' })).toEqual({ key: 'k', value: 'v' })
    await expect(mi('mq_fetch', { name: 'q' })).rejects.toMatchObject({ code: 404, message: 'Queue is empty' })
    expect(await mi('mq_get_size', { name: 'q' })).toEqual({ name: 'q', size: 0 })
    await expect(mi('mq_get_size', { name: 'none' })).rejects.toMatchObject({ code: 404, message: 'No such queue' })
  })

  it('with a dbmode is read at start and written at the end', async () => {
    const { ask, stop, folder } = await queueing({
      queues: ['name=q;dbmode=1', 'name=read;dbmode=2'],
      tables: {
        q: 'id(int,auto) key(string) value(string)\n1:old:one\n',
        read: 'id(int,auto) key(string) value(string)\n1:a:b\n',
      },
      route: 'mq_add("q", "new", "two"); mq_fetch("read"); sl_send_reply(299, "$mqk(read)");',
    })
    expect(await ask()).toBe('a')
    await stop()
    expect(readFileSync(join(folder, 'q'), 'utf8').split('\n').slice(1)).toEqual(['1:old:one', '2:new:two', ''])
    expect(readFileSync(join(folder, 'read'), 'utf8').split('\n')[1]).toBe('1:a:b')
  })

  it('that is not declared is refused at load', async () => {
    await expect(queueing({ queues: ['name=q'], route: 'mq_add("p", "a", "b");' })).rejects.toThrow(
      'there is no queue "p"',
    )
  })

  const keys = (queue: Queue) => queue.items().map(({ key, value }) => key + value)
  it.each([
    [AddMode.always, ['a1', 'b2', 'a3']],
    [AddMode.keepOldest, ['a1', 'b2']],
    [AddMode.keepNewest, ['b2', 'a3']],
  ])('addmode %i', (addMode, expected) => {
    const queue = new Queue({ name: 'q', size: 9, addMode, store: 0 })
    for (const [key, value] of ['a1', 'b2', 'a3'].map(text => [text.charAt(0), text.charAt(1)] as const))
      queue.add({ key: key ?? '', value: value ?? '' })
    expect(keys(queue)).toEqual(expected)
    expect(queue.size).toBe(expected.length)
    const first = queue.take()
    expect(`${first?.key}${first?.value}`).toBe(expected[0])
    // What was taken out may come again.
    queue.add({ key: first?.key ?? '', value: '9' })
    expect(queue.items().at(-1)?.value).toBe('9')
  })

  it('the oldest makes room', () => {
    const queue = new Queue({ name: 'q', size: 2, addMode: AddMode.always, store: 0 })
    for (const key of ['a', 'b', 'c']) queue.add({ key, value: '' })
    expect(keys(queue)).toEqual(['b', 'c'])
  })

  it('long queues keep their order, whatever the mode', () => {
    const queue = new Queue({ name: 'q', size: 100_000, addMode: AddMode.keepNewest, store: 0 })
    for (let i = 0; i < 10_000; i++) queue.add({ key: `k${i % 7000}`, value: String(i) })
    const taken: number[] = []
    for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(Number(item.value))
    expect(taken).toEqual(Array.from({ length: 7000 }, (_, i) => i + 3000))
    expect(queue.size).toBe(0)
  })

  it.each(['', 'size=5', 'name=q;x=1', 'name=q;size=-1', 'name=q;dbmode=4', 'name=q;addmode=3', 'name=a b'])(
    '"%s" cannot be read',
    text => {
      expect(() => parseQueue(text)).toThrow('mqueue')
    },
  )
})

import { MiError } from '../../mi/management-interface.ts'
import {
  arg,
  defineModule,
  optionalParam,
  type PvarHandler,
  type PvarSite,
  repeatedParam,
} from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import { type Item, parseQueue, Queue } from './queue.ts'
import { loadQueue, QUEUE_TABLE, saveQueue } from './storage.ts'

const queueArg = arg('queue', 'str', 'Name of the queue.')
const nameArg = arg('name', 'str', 'Name of the queue.')

/** What a message has fetched last of each queue. */
const fetched = messageSlot<Map<string, Item>>()

/** Queues of keys and values between the routes of a script, as the mqueue module of OpenSIPS. */
export default defineModule(
  {
    name: 'mqueue',
    doc: 'Queues of keys and values that one route fills and another, such as a timer route, empties.',
    tables: [QUEUE_TABLE],
    params: {
      mqueue: repeatedParam(
        'str',
        'A queue, `name=…;size=…;dbmode=…;addmode=…`. size: most items, the oldest makes room, 0 a million. addmode: 0 keys ' +
          'may repeat, 1 a key that is there stays, 2 it is replaced. dbmode: 1 its table is read at start and written at the ' +
          'end, 2 only read, 3 only written.',
      ),
      db_url: optionalParam(
        'str',
        'Database with a table for each queue that has a dbmode; `db_default_url` if absent.',
      ),
    },
    functions: {
      mq_add: {
        args: [queueArg, arg('key', 'str', 'The key.'), arg('value', 'str', 'The value.')],
        routes: 'any',
        returns: '1; −1 there is no such queue',
        doc: 'Adds an item to a queue.',
      },
      mq_fetch: {
        args: [queueArg],
        routes: 'any',
        returns: '1; −1 the queue is empty, or there is none',
        doc: 'Takes the oldest item out of a queue; `$mqk(queue)` and `$mqv(queue)` are then its key and value.',
      },
      mq_pv_free: {
        args: [queueArg],
        routes: 'any',
        returns: '1',
        doc: 'Forgets the item that was taken out last.',
      },
      mq_size: {
        args: [queueArg],
        routes: 'any',
        returns: 'how many items there are; −1 none; −2 there is no such queue',
        doc: 'Counts the items of a queue.',
      },
    },
    pvars: {
      mqk: { type: 'str', writable: false, inner: 'required', doc: 'Key of the item fetched last from a queue.' },
      mqv: { type: 'str', writable: false, inner: 'required', doc: 'Value of the item fetched last from a queue.' },
      mq_size: {
        type: 'int',
        writable: false,
        inner: 'required',
        doc: 'How many items a queue has; NULL without one.',
      },
    },
    commands: {
      get_size: { args: [nameArg], aliases: ['mq_get_size'], doc: 'Tells how many items a queue has.' },
      get_sizes: { args: [], aliases: ['mq_get_sizes'], doc: 'Tells how many items each queue has.' },
      fetch: { args: [nameArg], aliases: ['mq_fetch'], doc: 'Takes the oldest item out of a queue.' },
    },
  },
  ({ host, log, params }) => {
    const settings = params.mqueue.map(parseQueue)
    const queues = new Map(settings.map(one => [one.name, new Queue(one)]))
    if (queues.size < settings.length) throw new Error('mqueue: two queues have the same name')
    const stored = [...queues.values()].filter(queue => queue.settings.store !== 0)
    const url = host.db.urlOf(params.db_url)
    if (stored.length > 0 && url === undefined) throw new Error('mqueue: a queue has a dbmode: set db_url')
    const finder = (name: Arg<string>): ((m: RouteContext) => Queue | undefined) => {
      if (name.constant !== undefined && !queues.has(name.constant))
        name.reject(`there is no queue "${name.constant}" in the parameter mqueue`)
      return m => queues.get(name.read(m))
    }
    const choose = (name: string): Queue => {
      const queue = queues.get(name)
      if (queue === undefined) throw new MiError(404, 'No such queue')
      return queue
    }
    return {
      functions: {
        mq_add: (name, key, value) => {
          const find = finder(name)
          return m => {
            const queue = find(m)
            queue?.add({ key: key.read(m), value: value.read(m) })
            return queue === undefined ? -1 : 1
          }
        },
        mq_fetch: name => {
          const find = finder(name)
          return m => (keep(m, name.read(m), find(m)?.take()) ? 1 : -1)
        },
        mq_pv_free: name => m => {
          keep(m, name.read(m), undefined)
          return 1
        },
        mq_size: name => {
          const find = finder(name)
          return m => {
            const queue = find(m)
            // 0 would end the script.
            return queue === undefined ? -2 : queue.size || -1
          }
        },
      },
      pvars: {
        mqk: site => lastFetched(site, ({ key }) => key),
        mqv: site => lastFetched(site, ({ value }) => value),
        mq_size: ({ inner }) => ({ get: m => queues.get(inner?.read(m) ?? '')?.size ?? null }),
      },
      commands: {
        get_size: ({ name }) => ({ name, size: choose(name).size }),
        get_sizes: () => [...queues].map(([name, { size }]) => ({ name, size })),
        fetch: ({ name }) => {
          const item = choose(name).take()
          if (item === undefined) throw new MiError(404, 'Queue is empty')
          return item
        },
      },
      start: async () => {
        if (url !== undefined) for (const queue of stored) await loadQueue(host.db, url, queue)
      },
      stop: async () => {
        if (url === undefined) return
        for (const queue of stored)
          await saveQueue(host.db, url, queue).catch((error: unknown) =>
            log.error('a queue cannot be kept', { queue: queue.settings.name, reason: String(error) }),
          )
      },
    }
  },
)

/** Notes what was fetched of a queue; gives false where that is nothing. */
function keep(m: RouteContext, queue: string, item: Item | undefined): boolean {
  const known = fetched.get(m) ?? new Map<string, Item>()
  fetched.set(m, known)
  if (item === undefined) known.delete(queue)
  else known.set(queue, item)
  return item !== undefined
}

function lastFetched({ inner }: PvarSite, part: (item: Item) => string): PvarHandler {
  return {
    get: m => {
      const item = fetched.get(m)?.get(inner?.read(m) ?? '')
      return item === undefined ? null : part(item)
    },
  }
}

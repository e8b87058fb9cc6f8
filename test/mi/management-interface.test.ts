import { describe, expect, it } from 'vitest'
import { ManagementInterface, MiError } from '../../src/mi/management-interface.ts'
import { arg, optional } from '../../src/util/spec.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { golden } from './golden.ts'
import { MemoryLog } from './memory-log.ts'
import { sampleInterface } from './sample-interface.ts'

const INVALID = '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}'
const PARSE_ERROR = '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}'

/** An interface of one command, `test:run`. */
function withHandler(handler: (args: never) => unknown, clock = new VirtualClock()) {
  const log = new MemoryLog()
  const mi = new ManagementInterface(log, clock)
  const args = [optional(arg('value', 'json', ''))]
  mi.register('test', { run: { args, doc: '' } }, { run: handler })
  return { mi, log, clock }
}

const ask = async (mi: ManagementInterface, id: unknown = 1): Promise<string | null> =>
  mi.handle(JSON.stringify({ jsonrpc: '2.0', method: 'run', id }))

describe('JSON-RPC requests', () => {
  it.each(['not json', '', '{"method"', '\0', '{"a":1', 'nul'])('%j is a parse error', async text => {
    expect(await sampleInterface().mi.handle(text)).toBe(PARSE_ERROR)
  })

  it.each([
    '{}',
    '[]',
    '5',
    'null',
    '"x"',
    'true',
    '{"jsonrpc":"1.0","method":"version"}',
    '{"jsonrpc":2.0,"method":"version"}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","method":["version"]}',
    '{"jsonrpc":"2.0","method":"version","params":null}',
    '{"jsonrpc":"2.0","method":"version","id":{}}',
    '{"jsonrpc":"2.0","method":"version","id":true}',
    '{"__proto__":{"jsonrpc":"2.0","method":"version","id":3}}',
  ])('%s is an invalid request', async text => {
    expect(await sampleInterface().mi.handle(text)).toBe(INVALID)
  })

  it('an invalid request is answered with its id where that is readable', async () => {
    const answer = await sampleInterface().mi.handle('{"jsonrpc":"2.0","method":5,"id":1}')
    expect(answer).toBe('{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":1}')
  })

  it.each([
    ['7', '7'],
    ['-7.9', '-7'],
    ['"abc"', '"abc"'],
    ['null', 'null'],
    ['4294967296', '4294967296'],
    ['""', '""'],
  ])('id %s is answered as %s', async (id, answered) => {
    const { mi } = withHandler(() => 1)
    expect(await mi.handle(`{"jsonrpc":"2.0","method":"run","id":${id}}`)).toBe(
      `{"jsonrpc":"2.0","result":1,"id":${answered}}`,
    )
  })

  it('member names match in any case', async () => {
    const { mi } = withHandler(() => 1)
    expect(await mi.handle('{"JSONRPC":"2.0","Method":"run","ID":1,"Params":[2]}')).toBe(
      '{"jsonrpc":"2.0","result":1,"id":1}',
    )
  })

  it('text behind the request is ignored', async () => {
    const { mi } = withHandler(() => 1)
    expect(await mi.handle('{"jsonrpc":"2.0","method":"run","id":1} {"more"')).toBe(
      '{"jsonrpc":"2.0","result":1,"id":1}',
    )
  })

  it('a notification runs and is not answered, whatever comes of it', async () => {
    let runs = 0
    const { mi } = withHandler(() => {
      runs++
      throw new Error('no')
    })
    expect(await mi.handle('{"jsonrpc":"2.0","method":"run"}')).toBeNull()
    expect(await mi.handle('{"jsonrpc":"2.0","method":"nope"}')).toBeNull()
    expect(runs).toBe(1)
  })

  it('pretty printing indents with tabs', async () => {
    const { mi } = withHandler(() => ({ a: 1 }))
    expect(await mi.handle('{"jsonrpc":"2.0","method":"run","id":1}', { pretty: true })).toBe(
      '{\n\t"jsonrpc": "2.0",\n\t"result": {\n\t\t"a": 1\n\t},\n\t"id": 1\n}',
    )
  })

  it('values nested a hundred thousand deep do no harm', async () => {
    const { mi } = withHandler(({ value }: { value: unknown }) => value)
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const answer = await mi.handle(`{"jsonrpc":"2.0","method":"run","params":{"value":${deep}},"id":1}`)
    expect(JSON.parse(answer ?? '')).toHaveProperty('id', 1)
    expect(await ask(withHandler(() => 1).mi)).toContain('"result":1')
  })
})

describe('batches', () => {
  it('are answered in order, without the notifications', async () => {
    const { mi } = withHandler(({ value }: { value: unknown }) => value ?? 0)
    const batch = [
      { jsonrpc: '2.0', method: 'run', params: ['a'], id: 1 },
      { jsonrpc: '2.0', method: 'run' },
      5,
      [],
      { jsonrpc: '2.0', method: 'nope', id: 'x' },
    ]
    expect(JSON.parse((await mi.handle(JSON.stringify(batch))) ?? '')).toEqual([
      { jsonrpc: '2.0', result: 'a', id: 1 },
      { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null },
      { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null },
      { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: 'x' },
    ])
  })

  it('of notifications only are not answered', async () => {
    const { mi } = withHandler(() => 1)
    expect(await mi.handle('[{"jsonrpc":"2.0","method":"run"},{"jsonrpc":"2.0","method":"run"}]')).toBeNull()
  })

  it('of more than a thousand requests are refused whole', async () => {
    const { mi } = withHandler(() => 1)
    const answer = await mi.handle(`[${'{},'.repeat(1000)}{}]`)
    expect(JSON.parse(answer ?? '')).toMatchObject({
      error: { code: -32600, data: 'A batch holds at most 1000 requests' },
    })
  })
})

describe('what commands give', () => {
  it('a promise is awaited', async () => {
    expect(await ask(withHandler(async () => ({ a: null })).mi)).toBe('{"jsonrpc":"2.0","result":{"a":null},"id":1}')
  })

  it('what is no promise is answered at once', () => {
    const { mi } = withHandler(() => 1)
    expect(mi.handle('{"jsonrpc":"2.0","method":"run","id":1}')).toBe('{"jsonrpc":"2.0","result":1,"id":1}')
  })

  it('undefined is answered as OK', async () => {
    expect(await ask(withHandler(() => undefined).mi)).toBe('{"jsonrpc":"2.0","result":"OK","id":1}')
  })

  it.each([
    ['a MiError', new MiError(480, 'Temporarily Unavailable'), { code: 480, message: 'Temporarily Unavailable' }],
    ['its data', new MiError(404, 'x', 'y'), { code: 404, message: 'x', data: 'y' }],
    [
      'an Error with a numeric code',
      Object.assign(new Error('Bad Params'), { code: 400 }),
      { code: 400, message: 'Bad Params' },
    ],
  ])('%s becomes the error of the answer', async (_title, error, expected) => {
    const answers = [
      await ask(
        withHandler(() => {
          throw error
        }).mi,
      ),
      await ask(withHandler(() => Promise.reject(error)).mi),
    ]
    for (const answer of answers) expect(JSON.parse(answer ?? '')).toEqual({ jsonrpc: '2.0', error: expected, id: 1 })
  })

  it.each<[string, () => unknown, string]>([
    [
      'throws an Error',
      () => {
        throw new TypeError('secret detail')
      },
      'Command handler failed',
    ],
    [
      'throws a string',
      () => {
        throw 'secret detail'
      },
      'Command handler failed',
    ],
    [
      'throws a system error',
      () => {
        throw Object.assign(new Error('secret detail'), { code: 'ENOENT' })
      },
      'Command handler failed',
    ],
    [
      'is aborted',
      () => {
        throw AbortSignal.abort().reason
      },
      'Command handler failed',
    ],
    ['gives null', () => null, 'Command handler returned null'],
    ['gives a bigint', () => ({ value: 1n }), 'Failed to build the answer'],
  ])('a handler that %s is a server error, and the log says why', async (_title, handler, data) => {
    const { mi, log } = withHandler(handler)
    expect(await ask(mi)).toBe(
      `{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server error","data":"${data}"},"id":1}`,
    )
    expect(log.at('error')).toHaveLength(1)
  })

  it('a command that never answers is given up on after 480 s', async () => {
    const { mi, clock } = withHandler(() => new Promise(() => {}))
    const answer = ask(mi)
    await clock.advance(480_000)
    expect(await answer).toContain('"data":"Command took too long"')
  })

  it('commands beyond a thousand at one time are refused, until one has ended', async () => {
    const ends: (() => void)[] = []
    const { mi } = withHandler(() => new Promise<string>(resolve => ends.push(() => resolve('done'))))
    const running = Array.from({ length: 1000 }, () => ask(mi))
    expect(await ask(mi)).toContain('"data":"Too many commands in progress"')
    for (const end of ends) end()
    await Promise.all(running)
    const next = ask(mi)
    ends.at(-1)?.()
    expect(await next).toContain('"result":"done"')
  })

  it('a command without a handler cannot be registered', () => {
    const mi = new ManagementInterface(new MemoryLog(), new VirtualClock())
    expect(() => mi.register('m', { c: { args: [], doc: '' } }, {})).toThrow('no handler for its management command c')
  })
})

describe('names', () => {
  it('a short name that several commands have is ambiguous', async () => {
    const { mi } = sampleInterface()
    const ambiguous = JSON.parse((await mi.handle('{"jsonrpc":"2.0","method":"subscribe","id":1}')) ?? '')
    expect(ambiguous.error).toEqual({
      code: -32001,
      message: 'Method ambiguous',
      data: 'supported names: evi:subscribe, freeswitch_scripting:subscribe',
    })
  })

  it('which lists all commands, those of a group, or the recipes of one', async () => {
    const { mi } = sampleInterface()
    const result = async (...params: string[]) => mi.call('core:which', params)
    expect(await result()).toEqual(JSON.parse(golden('mi/which.datagram.out').toString()).result)
    expect(await result('evi:')).toEqual(['evi:subscribe', 'evi:list', 'evi:subscribers', 'evi:raise'])
    expect(await result('tcp:')).toEqual(['tcp:list', 'tcp:close', 'tcp:trace'])
    expect(await result('event_subscribe')).toEqual([
      ['event', 'socket'],
      ['event', 'socket', 'expire'],
    ])
  })

  it.each(['nope', 'nope:', 'nope:nope'])('which and help do not know %s', async name => {
    const { mi } = sampleInterface()
    for (const command of ['which', 'help']) {
      await expect(mi.call(command, [name])).rejects.toMatchObject({ code: 404, message: 'unknown MI command' })
    }
  })

  it('describe gives what discovery needs', () => {
    const found = sampleInterface()
      .mi.describe()
      .find(c => c.name === 'evi:subscribe')
    expect(found).toMatchObject({
      group: 'evi',
      local: 'subscribe',
      aliases: ['event_subscribe'],
      args: [{ name: 'event' }, { name: 'socket' }, { name: 'expire', optional: true }],
      namedOnly: false,
      variadic: false,
    })
  })
})

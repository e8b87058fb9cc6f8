import { describe, expect, it } from 'vitest'
import { DISPATCHER_TABLE } from '../../../src/modules/dispatcher/table-source.ts'
import { FREESWITCH_TABLE } from '../../../src/modules/freeswitch_scripting/subscriptions.ts'
import { LOAD_BALANCER_TABLE } from '../../../src/modules/load_balancer/table-source.ts'
import { EslServer, replyFrame } from '../../support/esl-server.ts'
import { DATABASES, filledDatabase } from '../../support/filled-database.ts'
import { tableFile } from '../../support/table-files.ts'
import { tableProxy } from '../../support/table-proxy.ts'
import { until } from '../../support/until.ts'

const LOAD = `
log_level=4
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "freeswitch.so"
loadmodule "freeswitch_scripting.so"
`
const start = (script: string) => tableProxy({ script: `${LOAD}${script}`, tables: {} })

describe('freeswitch_esl()', () => {
  async function ask(esl: EslServer, command: string, url = `:ClueCon@127.0.0.1:${esl.port}`) {
    const proxy = await start(`
route {
    $var(out) = "none";
    if (freeswitch_esl("${command}", "${url}", $var(out))) sl_send_reply(200, "$var(out)");
    else sl_send_reply(500, "$var(out)");
}`)
    proxy.phone.request('INFO', proxy.port)
    return proxy
  }

  it('opens a connection for one command, gives the answer and closes it', async () => {
    const esl = await EslServer.start()
    const { phone } = await ask(esl, 'api status')
    expect((await phone.nextReply(200)).reason).toBe('+OK status')
    await until(() => esl.openConnections === 0)
  })

  it('an error is an answer too', async () => {
    const esl = await EslServer.start()
    esl.answer = () => replyFrame('-ERR no such command')
    const { phone } = await ask(esl, 'nonsense')
    expect((await phone.nextReply(200)).reason).toBe('-ERR no such command')
  })

  it('sends several lines as one command', async () => {
    const esl = await EslServer.start()
    const { phone } = await ask(esl, 'sendmsg u1\\ncall-command: hangup')
    await phone.nextReply(200)
    expect(esl.commands).toEqual(['sendmsg u1\ncall-command: hangup'])
  })

  it.each([
    ['a server nothing is known of', 'api x', '127.0.0.1:1'],
    ['a bad URL', 'api x', 'fs://'],
    ['two commands in one', 'api x\\n\\nexit', undefined],
  ])('%s: −1, nothing is sent and the variable stays', async (_what, command, url) => {
    const esl = await EslServer.start()
    const { phone } = await ask(esl, command, url)
    expect((await phone.nextReply(500)).reason).toBe('none')
    expect(esl.commands).toEqual([])
  })

  it('keeps no other request waiting', async () => {
    const esl = await EslServer.start()
    esl.answer = () => ''
    const proxy = await start(`
route {
    if (is_method("OPTIONS")) { sl_send_reply(202, "Free"); exit; }
    if (!freeswitch_esl("api slow", ":ClueCon@127.0.0.1:${esl.port}")) sl_send_reply(500, "Slow");
}
loadmodule "sipmsgops.so"`)
    proxy.phone.request('INFO', proxy.port)
    await esl.took(1)
    proxy.phone.request('OPTIONS', proxy.port)
    await proxy.phone.nextReply(202)
    await proxy.clock.advance(5000)
    expect((await proxy.phone.nextReply(500)).reason).toBe('Slow')
  })
})

describe('events', () => {
  it.each(['', 'era=2.4'])('E_FREESWITCH has name, sender and body, in the order of arrival (%s)', async era => {
    const esl = await EslServer.start()
    const proxy = await start(`${era}
modparam("freeswitch_scripting", "fs_subscribe", "fs://:ClueCon@127.0.0.1:${esl.port}?DTMF, CUSTOM x::y")
route { exit; }`)
    await esl.took(2)
    for (const digit of ['1', '2']) esl.event({ 'Event-Name': 'DTMF', 'DTMF-Digit': digit })
    esl.event({ 'Event-Name': 'CUSTOM', 'Event-Subclass': 'x::y' })
    const raised: string[] = []
    await until(() => raised.push(...proxy.raised()) >= 3)
    const body = (text: string): string => JSON.stringify(text)
    const event = (name: string, text: string): string =>
      `{"jsonrpc":"2.0","method":"E_FREESWITCH","params":{"name":"${name}","sender":"127.0.0.1","body":${body(text)}}}`
    expect(raised).toEqual([
      event('DTMF', '{"Event-Name":"DTMF","DTMF-Digit":"1"}'),
      event('DTMF', '{"Event-Name":"DTMF","DTMF-Digit":"2"}'),
      event('CUSTOM', '{"Event-Name":"CUSTOM","Event-Subclass":"x::y"}'),
    ])
  })

  it('a bad fs_subscribe prevents the start', async () => {
    await expect(start('modparam("freeswitch_scripting", "fs_subscribe", "fs://")\nroute { exit; }')).rejects.toThrow(
      'expected fs://',
    )
  })
})

describe('management', () => {
  it('subscribes and unsubscribes; a server without events is disconnected', async () => {
    const esl = await EslServer.start()
    const proxy = await start('route { exit; }')
    const url = `:ClueCon@127.0.0.1:${esl.port}`
    expect(await proxy.mi('fs_subscribe', [url, 'DTMF', 'HEARTBEAT'])).toBe('OK')
    expect(await proxy.mi('freeswitch_scripting:subscribe', { freeswitch_url: url, events: ['DTMF', 'ANSWER'] })).toBe(
      'OK',
    )
    expect((await esl.took(3)).toSorted()).toEqual(['event json ANSWER', 'event json DTMF', 'event json HEARTBEAT'])
    expect(await proxy.mi('fs_list')).toEqual({
      Sockets: [{ ip: '127.0.0.1', port: esl.port, Events: ['DTMF', 'HEARTBEAT', 'ANSWER'] }],
    })
    expect(await proxy.mi('fs_unsubscribe', [url, ['DTMF', 'HEARTBEAT', 'ANSWER']])).toBe('OK')
    await until(() => esl.openConnections === 0)
    expect(await proxy.mi('fs_list')).toEqual({ Sockets: [] })
  })

  it.each([
    ['fs_subscribe', ['fs://', 'DTMF'], 400],
    ['fs_subscribe', [':pw@127.0.0.1', 'a\nb'], 400],
    ['fs_subscribe', [':pw@127.0.0.1'], -32602],
    ['fs_unsubscribe', ['127.0.0.1', 'DTMF'], 404],
    ['fs_reload', undefined, 500],
  ])('%s %j is refused with %i', async (command, params, code) => {
    const proxy = await start('route { exit; }')
    await expect(proxy.mi(command, params)).rejects.toMatchObject({ code })
    expect(await proxy.mi('fs_list')).toEqual({ Sockets: [] })
  })

  it.each(DATABASES)('fs_reload puts the database in the place of all there are (%s)', async kind => {
    const [kept, gone, added] = [await EslServer.start(), await EslServer.start(), await EslServer.start()]
    const row = (id: number, { port }: EslServer, events_csv: string) => ({
      id,
      password: 'ClueCon',
      ip: '127.0.0.1',
      port,
      events_csv,
    })
    const rows = [row(1, kept, 'DTMF'), row(2, gone, 'DTMF'), { id: 3, password: 'x', ip: 'not a host', port: 1 }]
    const database = await filledDatabase(kind, [[FREESWITCH_TABLE, rows]])
    const proxy = await start(`${database.loadmodule}
modparam("freeswitch_scripting", "db_url", "${database.url}")
route { exit; }`)
    await kept.took(1)
    await gone.took(1)
    expect(proxy.logged('is left out')).toBe(1)
    const open = await proxy.host.db.open(database.url)
    const table = await open.table(FREESWITCH_TABLE)
    await table.delete([['id', '>=', 2]])
    await table.insert({ ...row(4, added, 'HEARTBEAT,ANSWER'), username: 'admin' })
    expect(await proxy.mi('fs_reload')).toBe('OK')
    await added.took(2)
    await until(() => gone.openConnections === 0)
    expect([kept.connections, added.logins]).toEqual([1, ['userauth admin:ClueCon']])
    expect(await proxy.mi('fs_list')).toMatchObject({ Sockets: [{ port: kept.port }, { port: added.port }] })
  })
})

describe('what follows heartbeats', () => {
  const heartbeat = { 'Event-Name': 'HEARTBEAT', 'Idle-CPU': '50', 'Session-Count': '20', 'Max-Sessions': '100' }

  it('weights of dispatcher and capacities of load_balancer, over one connection', async () => {
    const esl = await EslServer.start()
    const url = `fs://:ClueCon@127.0.0.1:${esl.port}`
    const proxy = await tableProxy({
      script: `${LOAD}
loadmodule "rr.so"
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "dispatcher.so"
loadmodule "load_balancer.so"
modparam("dispatcher", "db_url", "text://@DB@")
modparam("dispatcher", "fetch_freeswitch_stats", 1)
modparam("dispatcher", "max_freeswitch_weight", 200)
modparam("load_balancer", "db_url", "text://@DB@")
modparam("load_balancer", "fetch_freeswitch_stats", 1)
route { exit; }`,
      tables: {
        dispatcher: tableFile(DISPATCHER_TABLE, [{ id: 1, setid: 1, destination: 'sip:10.0.0.1', weight: url }]),
        load_balancer: tableFile(LOAD_BALANCER_TABLE, [
          { id: 1, group_id: 1, dst_uri: 'sip:10.0.0.1', resources: `channels=${url}` },
        ]),
      },
    })
    await esl.took(1)
    const weight = async () => /"weight":(\d+)/.exec(JSON.stringify(await proxy.mi('ds_list', { full: 1 })))?.[1]
    const capacity = async () => /"max":(\d+)/.exec(JSON.stringify(await proxy.mi('lb_list')))?.[1]
    expect([await weight(), await capacity()]).toEqual(['200', '1000'])
    esl.event(heartbeat)
    const patience = AbortSignal.timeout(10_000)
    while ((await weight()) === '200' && !patience.aborted) await new Promise(resolve => setImmediate(resolve))
    expect([await weight(), await capacity()]).toEqual(['80', '40'])
    await proxy.mi('ds_reload')
    await proxy.mi('lb_reload')
    expect([await weight(), await capacity(), esl.connections]).toEqual(['80', '40', 1])
  })
})

import { describe, expect, it } from 'vitest'
import { checkFile } from '../../../src/main.ts'
import { parseServerId } from '../../../transports/rabbitmq/server-id.ts'
import { scriptFile } from '../../cli/scripts.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { broker, brokerPort, login, ownQueue, ownRelay, url } from './rig.ts'

describe('server_id', () => {
  it('names a broker as users write it, with a URI that has semicolons', () => {
    expect(
      parseServerId(
        '[ one ] URI = amqp://us%40er:pa;ss@mq.example:5673/%2Fvoip ; exchange=ev; retries = 2;heartbeat=10; non-persistent;frames=131072;',
      ),
    ).toMatchObject({
      id: 'one',
      server: { host: 'mq.example', port: 5673 },
      retries: 2,
      heartbeatS: 10,
      address: {
        user: 'us@er',
        password: 'pa;ss',
        vhost: '/voip',
        exchange: 'ev',
        persistent: false,
        mandatory: false,
      },
    })
    expect(parseServerId('[b]uri=amqp://')).toMatchObject({
      server: { host: 'localhost', port: 5672 },
      address: { user: 'guest', password: 'guest', vhost: '/', exchange: '', persistent: true, mandatory: true },
    })
  })

  it.each([
    ['uri=amqp://a', /expected \[id\]/],
    ['[a] exchange=x', /uri is missing/],
    ['[a] uri=http://a', /expected amqp/],
    ['[a] uri=amqp://a; colour=blue', /uri: expected amqp/],
    ['[a] uri=amqp://a; retries=many', /retries: expected a number/],
    ['[a] uri=amqps://a', /tls_domain/],
  ])('%s is refused', (text, message) => {
    expect(() => parseServerId(text)).toThrow(message)
  })
})

const top = (port: number, fields = '') => `loadmodule "event_rabbitmq.so"
  modparam("event_rabbitmq", "connect_timeout", 10000)
  modparam("event_rabbitmq", "server_id", "[mq] uri=amqp://${login}@${broker.hostname}:${port}; retries=1${fields}")`

describe.skipIf(url === null)('rabbitmq_publish()', () => {
  it('publishes a persistent message with its type and headers, and gives 1 when the broker has it', async () => {
    const queue = await ownQueue()
    const proxy = await scriptProxy({
      top: top(brokerPort),
      route: `$avp(n) = "colour"; $avp(v) = "blue"; $avp(n) = "size"; $avp(v) = 5;
        rabbitmq_publish("mq", "${queue.name}", "from $fU", "text/plain", $avp(n), $avp(v));
        $var(first) = $rc;
        rabbitmq_publish("mq", "nobody.${queue.name}", "lost");
        sl_send_reply(299, "$var(first) $rc");`,
    })
    expect(await proxy.ask()).toBe('1 -1')
    await queue.arrived(1)
    const [message] = queue.messages
    expect(message?.content.toString()).toBe('from phone')
    expect(message?.properties).toMatchObject({
      contentType: 'text/plain',
      deliveryMode: 2,
      headers: { colour: 'blue', size: 5 },
    })
    expect(proxy.logged('no queue takes messages')).toBe(1)
  })

  it('connects anew after the broker was away, which gives −1 meanwhile', async () => {
    const [queue, relay] = [await ownQueue(), await ownRelay()]
    const proxy = await scriptProxy({
      top: top(relay.port, '; non-persistent'),
      route: `rabbitmq_publish("mq", "${queue.name}", "$rU"); sl_send_reply(299, "$rc");`,
    })
    const publish = (user: string): Promise<string> => proxy.ask({ uri: `sip:${user}@127.0.0.1` })
    expect(await publish('one')).toBe('1')
    await relay.stop()
    expect(await publish('two')).toBe('-1')
    await relay.start()
    expect(await publish('three')).toBe('1')
    await queue.arrived(2)
    expect(queue.messages.map(({ content }) => content.toString())).toEqual(['one', 'three'])
    expect(queue.messages[0]?.properties.deliveryMode).not.toBe(2)
  })
})

it('a broker that no server_id names is an error at its place', async () => {
  const file = scriptFile('loadmodule "rabbitmq.so"\nroute { rabbitmq_publish("none", "k", "b"); }')
  expect((await checkFile({ file })).text).toMatch(/:2:26: error: there is no server_id \[none\]/)
})

it('rabbitmq_publish() while no broker is there: one line for what is lost in ten seconds, with the number', async () => {
  const proxy = await scriptProxy({
    top: `loadmodule "event_rabbitmq.so"
      modparam("event_rabbitmq", "server_id", "[mq] uri=amqp://127.0.0.1:1")`,
    route: 'rabbitmq_publish("mq", "k", "b"); sl_send_reply(299, "$rc");',
  })
  for (let n = 1; n <= 20; n++) expect(await proxy.ask()).toBe('-1')
  const lost = (): readonly string[] =>
    proxy.log.filter(line => line.includes('a message of a script was not published'))
  expect(lost()).toHaveLength(1)
  await proxy.clock.advance(10_000)
  expect(lost()[1]).toMatch(/server_id=mq reason=.* again=19$/m)
})

// The workshop: see README.md. Run it with: npx fanfare test examples/workshop/parallel.cfg
import { scenario } from 'fanfare/test'

const BROKER = 'rabbitmq:127.0.0.1/opensips'
const FILE = 'flatstore:/tmp/opensips.events'

scenario('a hundred calls make a hundred CDRs, in the queue and in the file', 'parallel.cfg', async stage => {
  const [alice, bob] = [stage.phone('alice'), stage.phone('bob')]
  await bob.registers()
  const callIds: string[] = []
  for (let i = 0; i < 100; i++) {
    const invite = await alice.calls(bob)
    callIds.push(invite.header('Call-ID') ?? '')
    await bob.answers()
    await stage.wait(`${1 + (i % 3)}s`)
    await alice.hangsUp()
  }
  for (const callid of callIds) {
    await stage.subscriber(BROKER).gets('E_ACC_CDR', { callid, sip_code: 200 })
    await stage.subscriber(FILE).gets('E_ACC_CDR', { callid, sip_code: 200 })
  }
  await stage.subscriber(BROKER).getsNothing()
  await stage.subscriber(FILE).getsNothing()
})

scenario('what the broker misses while it is away, it gets when it is back', 'parallel.cfg', async stage => {
  const [alice, bob] = [stage.phone('alice'), stage.phone('bob')]
  await bob.registers()
  await stage.subscriber(BROKER).goesAway()
  await alice.calls(bob)
  await bob.answers()
  await alice.hangsUp()
  await stage.subscriber(FILE).gets('E_ACC_CDR')
  await stage.subscriber(BROKER).getsNothing()
  await stage.subscriber(BROKER).comesBack()
  await stage.subscriber(BROKER).gets('E_ACC_CDR', { sip_code: 200 }, { within: '30s' })
})

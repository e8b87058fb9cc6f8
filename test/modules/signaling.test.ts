import { describe, expect, it } from 'vitest'
import { SipUa } from '../support/sip-ua.ts'
import { type Route, tmRig } from './tm/rig.ts'

async function answering(main: Route) {
  const alice = await SipUa.open('alice')
  let runs = 0
  const rig = await tmRig({
    main: (m, run) => {
      runs++
      return main(m, run)
    },
  })
  return { alice, rig, runs: () => runs }
}

describe('send_reply of signaling', () => {
  it('answers through the transaction if there is one', async () => {
    const tags: unknown[] = []
    const { alice, rig, runs } = await answering((m, run) => {
      run(m, 't_newtran')
      tags.push(rig.pvar(m, 'sig_local_totag'))
      return run(m, 'send_reply', 480, 'Gone')
    })
    const text = alice.makeRequest('INVITE')
    alice.send(text, rig.port)
    expect((await alice.nextReply(480)).toTag).toBe(tags[0])
    alice.send(text, rig.port)
    await alice.nextReply(480)
    expect([runs(), rig.stat('sl:sent_replies')]).toEqual([1, 0])
  })

  it('answers statelessly if there is none', async () => {
    const tags: unknown[] = []
    const { alice, rig } = await answering((m, run) => {
      tags.push(rig.pvar(m, 'sig_local_totag'))
      return run(m, 'send_reply', 480, 'Gone')
    })
    alice.request('OPTIONS', rig.port)
    expect((await alice.nextReply(480)).toTag).toBe(tags[0])
    expect([rig.stat('tm:UAS_transactions'), rig.stat('sl:sent_replies')]).toEqual([0, 1])
  })
})

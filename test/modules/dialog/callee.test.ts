import { describe, expect, it } from 'vitest'
import { Call, callRig } from './call-rig.ts'

/** What dialog:list says of the callee. */
interface CalleeShown {
  readonly callee_contact: string
  readonly callee_route_set: string
}

/** A call whose 180 is as phones send it, and whose 2xx is changed; gives what is known of the callee then. */
async function calleeAfter(change: (reply: string) => string): Promise<{ own: string; callee: CalleeShown }> {
  const rig = await callRig({ invite: 'create_dialog();' })
  const call = await new Call(rig, 'k').begin()
  await call.ring()
  const reply = rig.bob.makeReply(call.arrived, 200, 'OK', { toTag: 'k-b' })
  rig.bob.send(change(reply), rig.proxy.port)
  await rig.alice.nextReply(200, 'INVITE')
  const shown = (await rig.mi('dlg_list')) as { Dialogs: readonly { CALLEES: readonly CalleeShown[] }[] }
  const callee = shown.Dialogs[0]?.CALLEES[0]
  if (callee === undefined) throw new Error('no callee is known')
  return { own: rig.bob.uri, callee }
}

const route = (line: string) => (reply: string) => reply.replace('Record-Route: ', `${line}Record-Route: `)

describe('what is known of a callee', () => {
  it('stays when the 2xx repeats what the 180 said', async () => {
    const { own, callee } = await calleeAfter(reply => reply)
    expect(callee).toMatchObject({ callee_contact: own, callee_route_set: '' })
  })

  it.each([
    ['<sip:bob@127.0.0.1:9>', 'sip:bob@127.0.0.1:9'],
    ['"Bob" <sip:bob@127.0.0.1:9>;q=1', 'sip:bob@127.0.0.1:9'],
    ['sip:bob@127.0.0.1:9;q=1', 'sip:bob@127.0.0.1:9'],
    ['"Bob, \\"B\\"" <sip:bob@127.0.0.1:9>', 'sip:bob@127.0.0.1:9'],
    ['<sip:bob@127.0.0.1:9>, <sip:bob@127.0.0.1:10>', 'sip:bob@127.0.0.1:9'],
    ['<sip:bob@127.0.0.1:9>\r\nContact: <sip:bob@127.0.0.1:10>', 'sip:bob@127.0.0.1:9'],
  ])('is the Contact of the 2xx where that is another: %s', async (contact, uri) => {
    const { callee } = await calleeAfter(reply => reply.replace(/Contact: .*/, `Contact: ${contact}`))
    expect(callee.callee_contact).toBe(uri)
  })

  it.each([
    [route('Record-Route: <sip:192.0.2.1;lr>\r\n'), '<sip:192.0.2.1;lr>'],
    [route('Record-Route: <sip:192.0.2.1;lr>,\r\n <sip:192.0.2.2;lr>\r\n'), '<sip:192.0.2.2;lr>,<sip:192.0.2.1;lr>'],
    [
      (reply: string) => reply.replace('Record-Route: ', 'Record-Route: <sip:a,b@192.0.2.1;lr>,'),
      '<sip:a,b@192.0.2.1;lr>',
    ],
    // Our parameter in the Route of somebody else's making.
    [(reply: string) => reply.replace(/Record-Route: .*?(;did=[^;>]*).*>/, '$&,<sip:192.0.2.1$1>'), ''],
    [(reply: string) => reply.replace(/(Record-Route: .*;did=[^;>]*)(.*>)/, '$1x$2'), ''],
  ])('are the Record-Routes above ours (%#)', async (change, routes) => {
    const { callee } = await calleeAfter(change)
    expect(callee.callee_route_set).toBe(routes)
  })
})

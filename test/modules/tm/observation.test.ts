import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'

const TOP = `
modparam("tm", "local_request_route", "sent")
modparam("tm", "local_reply_route", "answered")
route[sent] {
  append_hf("X-Changed: yes\\r\\n");
  t_newtran(); $var(opened) = $rc;
  xlog("«$rm $cs $var(opened) $hdr(X-Own)»");
}
route[answered] { xlog("«$rs $rm $avp(mark)»"); }
loadmodule "sipmsgops.so"`

describe('local_request_route and local_reply_route', () => {
  it('are shown what is made here, and what they change is lost', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await scriptProxy({
      top: TOP,
      route: '$avp(mark) = "m"; $ru = $hdr(X-To); t_relay();',
    })
    const { phone } = proxy
    const invite = phone.request('INVITE', proxy.port, { headers: `X-To: ${bob.uri}\r\n` })
    const ringing = await bob.nextRequest('INVITE')
    bob.reply(ringing, 180, 'Ringing')
    await phone.nextReply(180)
    phone.cancel(invite, proxy.port)
    const cancel = await bob.nextRequest('CANCEL')
    bob.reply(ringing, 487, 'Request Terminated')
    await bob.nextRequest('ACK')
    expect([headerOf(cancel, 'X-Changed'), proxy.told()]).toEqual([
      '',
      ['100 INVITE m', '200 CANCEL m', 'CANCEL 1 -9 <null>', 'ACK 1 1 <null>'],
    ])
  })

  it('are shown our own requests once, however often they are repeated', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await scriptProxy({ top: TOP, route: 'exit;' })
    const headers = 'From: <sip:me@a>\r\nTo: <sip:bob@b>\r\nCSeq: 7 OPTIONS\r\nX-Own: 1\r\n'
    const outcome = proxy.mi('t_uac_dlg', { method: 'OPTIONS', ruri: bob.uri, headers })
    await bob.nextRequest('OPTIONS')
    await proxy.clock.advance(600)
    const again = await bob.nextRequest('OPTIONS')
    bob.reply(again, 200, 'OK')
    expect(await outcome).toMatchObject({ Status: '200 OK' })
    expect([headerOf(again, 'X-Changed'), proxy.told()]).toEqual(['', ['OPTIONS 7 -9 1']])
  })

  it('a name that is no route stops the start', async () => {
    await expect(
      scriptProxy({ top: 'modparam("tm", "local_reply_route", "nowhere")', route: 'exit;' }),
    ).rejects.toThrow('local_reply_route: there is no route[nowhere] in the script')
  })
})

describe('t_get_branch_idx_by_attr()', () => {
  it('finds the branch by what $bavp() holds, and −1 where none has it', async () => {
    const [bob, carol] = [await SipUa.open('bob'), await SipUa.open('carol')]
    const proxy = await scriptProxy({
      top: `
        branch_route[b] { $bavp(side) = $rU; }
        onreply_route[r] {
          if (t_get_branch_idx_by_attr("side", "carol", $avp(at))) xlog("«carol $avp(at)»");
          if (!t_get_branch_idx_by_attr("side", "dave", $avp(none))) xlog("«dave $avp(none)»");
        }`,
      route: `$ru = "${bob.uri}"; $branch = "${carol.uri}"; t_on_branch("b"); t_on_reply("r"); t_relay();`,
    })
    proxy.phone.request('OPTIONS', proxy.port)
    await carol.nextRequest('OPTIONS')
    bob.reply(await bob.nextRequest('OPTIONS'), 404, 'Not Found')
    await until(() => proxy.told().length === 2)
    expect(proxy.told()).toEqual(['carol 1', 'dave <null>'])
  })
})

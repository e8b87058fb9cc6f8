import { describe, expect, it } from 'vitest'
import { golden, httpBody } from '../../mi/golden.ts'
import { openWebDoors } from './web-doors.ts'

/* Recorded XML-RPC requests, byte for byte, and the bodies that were recorded as their answers. */

const SCRIPT = `
loadmodule "mi_xmlrpc.so"
loadmodule "event_datagram.so"
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "registrar.so"
loadmodule "cachedb_local.so"
route { save("location"); }
`

describe('mi_xmlrpc', () => {
  it.each([
    'event_subscribe_pos',
    'event_subscribe_unknown_event',
    'event_subscribe_bad_transport',
    'ul_show_contact_none',
    'ul_show_contact_badtable',
    'raise_event_unknown',
    'get_statistics_unknown',
    'cache_remove',
    'help_noarg',
    'help_evi_subscribe',
    'ul_flush',
    'reload_routes',
  ])('answers the recorded %s with the recorded bytes', async name => {
    const doors = await openWebDoors(SCRIPT)
    doors.proxy.proxy.host.bus.catalogue.define('E_PIKE_BLOCKED', null, 'test')
    const { status, headers, body } = await doors.raw(golden(`mi/${name}.xmlrpc.req`))
    expect(body).toBe(httpBody(golden(`mi/${name}.xmlrpc.out`)))
    expect([status, headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
  })

  it('answers what is no XML with the recorded fault', async () => {
    const doors = await openWebDoors(SCRIPT)
    const { body } = await doors.raw(golden('mi_proto/http_xml_bad.req'))
    expect(body).toBe(httpBody(golden('mi_proto/http_xml_bad.out')))
  })

  it('answers an unknown command with a fault, and stays open', async () => {
    const doors = await openWebDoors(SCRIPT)
    const call = (method: string): string => `<methodCall><methodName>${method}</methodName></methodCall>`
    for (let i = 0; i < 2; i++) {
      const { body } = await doors.post('/RPC2', call('no_such_command'))
      expect(body).toContain('<int>-32601</int>')
      expect(body).toContain('server error. requested method not found')
    }
    expect((await doors.post('/RPC2', call('version'))).body).toContain('fanfare')
  })

  it('takes POST only, and a body', async () => {
    const doors = await openWebDoors(SCRIPT)
    expect(await doors.get('/RPC2')).toMatchObject({ status: 405, body: '' })
    expect(await doors.post('/RPC2', '')).toMatchObject({ status: 400, body: '' })
  })
})

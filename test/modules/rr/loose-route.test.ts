import { describe, expect, it } from 'vitest'
import { request, rrRig } from './rig.ts'

describe('RFC 3261 §16.12.1.1, the basic SIP trapezoid', () => {
  const bye = request({ uri: 'sip:caller@u1.example.com', routes: ['<sip:p2.domain.com;lr>,<sip:p1.example.com;lr>'] })

  it('P2 takes its own Route out and sends to P1, the Request-URI unchanged', () => {
    const { verdict, uri, next, routes } = rrRig(['p2.domain.com']).route(bye)
    expect({ verdict, uri, next, routes }).toEqual({
      verdict: 1,
      uri: 'sip:caller@u1.example.com',
      next: 'sip:p1.example.com;lr',
      routes: ['<sip:p1.example.com;lr>'],
    })
  })

  it('P1 takes the last Route out and sends to the Request-URI', () => {
    const { sent } = rrRig(['p2.domain.com']).route(bye)
    const { verdict, uri, next, routes } = rrRig(['p1.example.com']).route(sent)
    expect({ verdict, uri, next, routes }).toEqual({
      verdict: 1,
      uri: 'sip:caller@u1.example.com',
      next: null,
      routes: [],
    })
  })
})

describe('RFC 3261 §16.12.1.2, traversing a strict-routing proxy', () => {
  it('P4 puts the strict router into the Request-URI and the target behind the Routes', () => {
    const routes = ['<sip:p4.domain.com;lr>', '<sip:p3.middle.com>', '<sip:p1.example.com;lr>']
    const got = rrRig(['p4.domain.com']).route(request({ uri: 'sip:caller@u1.example.com', routes }))
    expect(got.sent).toMatch(/^BYE sip:p3\.middle\.com SIP\/2\.0\r\n/)
    expect(got).toMatchObject({
      verdict: 1,
      next: null,
      routes: ['<sip:p1.example.com;lr>', '<sip:caller@u1.example.com>'],
    })
  })

  it('P1 finds itself in the Request-URI and takes the last Route as target', () => {
    const text = request({ uri: 'sip:p1.example.com;lr', routes: ['<sip:caller@u1.example.com>'] })
    expect(rrRig(['p1.example.com']).route(text)).toMatchObject({
      verdict: 1,
      uri: 'sip:caller@u1.example.com',
      next: null,
      routes: [],
    })
  })

  it('after a strict router, a loose router that follows is the next hop', () => {
    const text = request({
      uri: 'sip:p1.example.com;lr',
      routes: ['<sip:p0.example.com;lr>, <sip:caller@u1.example.com>'],
    })
    expect(rrRig(['p1.example.com']).route(text)).toMatchObject({
      verdict: 1,
      uri: 'sip:caller@u1.example.com',
      next: 'sip:p0.example.com;lr',
      routes: ['<sip:p0.example.com;lr>'],
    })
  })

  it('after a strict router, the second of our two Routes is taken out too', () => {
    const text = request({
      uri: 'sip:127.0.0.1;r2=on;lr',
      routes: ['<sip:127.0.0.1;transport=tcp;r2=on;lr>', '<sip:caller@u1.example.com>'],
    })
    const rig = rrRig(['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'])
    const got = rig.route(text)
    expect(got).toMatchObject({ verdict: 1, uri: 'sip:caller@u1.example.com', routes: [] })
    expect(got.m.target.socket?.text).toBe('tcp:127.0.0.1:5060')
  })

  it('takes the parameters of our own Request-URI for those of the Route', () => {
    const rig = rrRig()
    const { m } = rig.route(request({ uri: 'sip:127.0.0.1;lr;ftag=f1', routes: ['<sip:caller@u1.example.com>'] }))
    expect(rig.call(m, 'check_route_param', 'ftag=F1')).toBe(1)
  })

  it('leaves a Request-URI with gr alone: that is no address of ours as a proxy', () => {
    const text = request({ uri: 'sip:u@127.0.0.1;gr=x', routes: ['<sip:127.0.0.1;lr>'] })
    expect(rrRig().route(text)).toMatchObject({ verdict: 1, uri: 'sip:u@127.0.0.1;gr=x', routes: [] })
  })
})

describe('loose_route', () => {
  it('gives −1 without Route, and with one that cannot be parsed', () => {
    expect(rrRig().route(request({ uri: 'sip:x@example.org' })).verdict).toBe(-1)
    expect(rrRig().route(request({ uri: 'sip:x@example.org', routes: ['<nonsense>'] })).verdict).toBe(-1)
  })

  it('takes a preloaded Route out and gives −1 where nothing else is left (10.6)', () => {
    const text = request({ method: 'INVITE', uri: 'sip:bob@127.0.0.1', routes: ['<sip:127.0.0.1;lr>'], toTag: '' })
    expect(rrRig().route(text)).toMatchObject({ verdict: -1, uri: 'sip:bob@127.0.0.1', next: null, routes: [] })
  })

  it('follows a preloaded Route that goes on', () => {
    const text = request({
      method: 'INVITE',
      uri: 'sip:bob@x',
      routes: ['<sip:127.0.0.1;lr>', '<sip:edge.example.org;lr>'],
      toTag: '',
    })
    expect(rrRig().route(text)).toMatchObject({ verdict: 1, uri: 'sip:bob@x', next: 'sip:edge.example.org;lr' })
  })

  it('sends to a top Route that is not ours, and leaves it in', () => {
    const text = request({ uri: 'sip:bob@x', routes: ['<sip:other.example.org;lr>'] })
    expect(rrRig().route(text)).toMatchObject({
      verdict: 1,
      next: 'sip:other.example.org;lr',
      routes: ['<sip:other.example.org;lr>'],
    })
  })

  it('knows its Routes by port and transport', () => {
    const text = request({ uri: 'sip:bob@x', routes: ['<sip:127.0.0.1:5070;lr>'] })
    expect(rrRig(['udp:127.0.0.1:5060']).route(text).routes).toEqual(['<sip:127.0.0.1:5070;lr>'])
    expect(rrRig(['udp:127.0.0.1:5070']).route(text).routes).toEqual([])
    const tls = request({ uri: 'sip:bob@x', routes: ['<sip:127.0.0.1;transport=tls;lr>'] })
    expect(rrRig(['tls:127.0.0.1:5061']).route(tls).routes).toEqual([])
  })

  it('takes both of our Routes out and sends from the socket of the second', () => {
    const rig = rrRig(['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'])
    const routes = ['<sip:127.0.0.1;r2=on;lr;ftag=f1>, <sip:127.0.0.1;transport=tcp;r2=on;lr;ftag=f1>']
    const got = rig.route(request({ uri: 'sip:bob@192.0.2.2;transport=tcp', routes }))
    expect(got).toMatchObject({ verdict: 1, routes: [] })
    expect(got.m.target.socket?.text).toBe('tcp:127.0.0.1:5060')
  })

  it('sends requests in a dialog from where they arrived', () => {
    const rig = rrRig(['udp:127.0.0.1:5060', 'udp:127.0.0.2:5060'])
    const m = rig.context(request({ uri: 'sip:b@x', routes: ['<sip:127.0.0.2;lr>'] }), 'request', rig.sockets[1])
    rig.call(m, 'loose_route')
    expect(m.target.socket?.text).toBe('udp:127.0.0.2:5060')
  })

  it('called twice changes nothing more and gives the same', () => {
    const rig = rrRig()
    const { m, verdict } = rig.route(
      request({ uri: 'sip:b@x', routes: ['<sip:127.0.0.1;lr>', '<sip:strict.example.org>'] }),
    )
    const before = rig.sent(m)
    expect([verdict, rig.call(m, 'loose_route')]).toEqual([1, 1])
    expect(rig.sent(m)).toBe(before)
  })

  it('calls back the modules that asked to know', () => {
    const rig = rrRig()
    const api = rig.apis.get('rr') as import('../../../src/module/define.ts').ModuleApis['rr']
    const dids: (string | null)[] = []
    api.onRouted(m => void dids.push(api.param(m, 'did')))
    rig.route(request({ uri: 'sip:b@x', routes: ['<sip:127.0.0.1;lr;did=7a.1>'] }))
    rig.route(request({ uri: 'sip:b@x', routes: ['<sip:other.example.org;lr;did=no>'] }))
    expect(dids).toEqual(['7a.1'])
  })
})

describe('facts of the Route that was ours', () => {
  const routed = (routes: readonly string[], fromTag = 'f1') => {
    const rig = rrRig()
    const { m } = rig.route(request({ uri: 'sip:b@x', routes, fromTag }))
    return {
      ...rig,
      m,
      param: rig.tables.pvars
        .get('rr_params')!
        .open({} as never)
        .get(m),
    }
  }

  it('are in $rr_params and seen by check_route_param', () => {
    const { m, call, param } = routed(['<sip:127.0.0.1;lr;ftag=abc;nat=yes>'])
    expect(param).toBe('lr;ftag=abc;nat=yes')
    expect(call(m, 'check_route_param', 'NAT=yes')).toBe(1)
    expect(call(m, 'check_route_param', '^;lr')).toBe(1)
    expect(call(m, 'check_route_param', 'nat=no')).toBe(-1)
  })

  it('are absent where no Route was ours', () => {
    const { m, call, param } = routed(['<sip:other.example.org;lr;x=y>'])
    expect(param).toBeNull()
    expect(call(m, 'check_route_param', 'x=y')).toBe(-1)
  })

  it.each([
    ['the tag of From', ';ftag=f1', 1, -1],
    ['another tag', ';ftag=zz', -1, 1],
    ['no tag', '', 1, -1],
  ])('with %s in ftag tell the direction', (_, ftag, downstream, upstream) => {
    const { m, call } = routed([`<sip:127.0.0.1;lr${ftag}>`])
    expect(call(m, 'is_direction', 'downstream')).toBe(downstream)
    expect(call(m, 'is_direction', 'upstream')).toBe(upstream)
  })

  it('is_direction with another word is refused at load', () => {
    expect(() => rrRig().build('is_direction', 'sideways')).toThrow('upstream')
  })
})

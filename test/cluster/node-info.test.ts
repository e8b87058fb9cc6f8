import { describe, expect, it } from 'vitest'
import { parseMessage } from '../../src/cluster/message.ts'
import { parseBinUrl, parseNodeInfo } from '../../src/cluster/node-info.ts'
import { parseSharingTag } from '../../src/cluster/sharing-tags.ts'

describe('URLs of nodes', () => {
  it.each([
    ['bin:10.0.0.1:5566', { host: '10.0.0.1', port: 5566 }],
    ['bin:host.example', { host: 'host.example', port: 5555 }],
    ['bin:[2001:db8::1]:7', { host: '2001:db8::1', port: 7 }],
    ['udp:10.0.0.1', null],
    ['bin:10.0.0.1:70000', null],
    ['bin:', null],
  ])('%s', (url, expected) => {
    expect(parseBinUrl(url)).toEqual(expected)
  })
})

describe('nodes as parameters write them', () => {
  it('have defaults', () => {
    expect(parseNodeInfo('cluster_id=1,node_id=2,url=bin:h')).toEqual({
      cluster: 1,
      node: 2,
      url: 'bin:h',
      isEnabled: true,
      retries: 3,
      priority: 50,
      sipAddress: '',
      isSeed: false,
      description: '',
      rowId: -1,
    })
  })

  it('may say everything, with blanks', () => {
    const text =
      ' cluster_id = 1 , url=bin:h , state=0, no_ping_retries=5, priority=1, sip_addr=10.0.0.1, flags=seed, description=a b'
    expect(parseNodeInfo(text, 9)).toMatchObject({
      node: 9,
      isEnabled: false,
      retries: 5,
      priority: 1,
      sipAddress: '10.0.0.1',
      isSeed: true,
      description: 'a b',
    })
  })
})

describe('sharing tags', () => {
  it.each([
    ['vip/1', { name: 'vip', cluster: 1, isActive: false }],
    [' vip / 12 ', { name: 'vip', cluster: 12, isActive: false }],
  ])('%j is one', (text, expected) => {
    expect(parseSharingTag(text)).toEqual(expected)
  })

  it.each(['vip', 'vip/', '/1', 'vip/0', 'vip/x'])('%j is none', text => {
    expect(() => parseSharingTag(text)).toThrow('expected name/cluster')
  })
})

describe('messages', () => {
  it.each([
    ['{"type":"ping","number":1}', true],
    ['{"type":"ping","number":-1}', false],
    ['{"type":"ping"}', false],
    ['{"type":"removal","node":1,"started":5}', true],
    ['{"type":"removal","node":0,"started":5}', false],
    ['{"type":"parcel","source":1,"destination":2,"hops":0,"topic":"t","body":null}', true],
    ['{"type":"parcel","source":1,"destination":2,"hops":0,"topic":"t"}', false],
    ['{"type":"parcel","source":1.5,"destination":2,"hops":0,"topic":"t","body":1}', false],
    ['{"type":"states","adverts":[]}', true],
    ['{"type":"states","adverts":{}}', false],
    ['{"type":"other"}', false],
    ['null', false],
    ['', false],
  ])('%s', (text, isOne) => {
    expect(parseMessage(Buffer.from(text)) !== null).toBe(isOne)
  })
})

/** Which interfaces mDNS speaks on, and what belongs to their networks. */

import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { describe, it } from 'node:test'
import { mdnsInterfaces } from './limits.ts'
import { mdnsInterfacesOf } from './mdns-interfaces.ts'

const ip4 = (cidr: string, internal = false): NetworkInterfaceInfo => ({
  family: 'IPv4',
  address: cidr.split('/')[0] ?? '',
  cidr,
  internal,
  netmask: '',
  mac: '02:00:00:00:00:01',
})
const ip6 = (cidr: string, scopeid = 0): NetworkInterfaceInfo => ({ ...ip4(cidr), family: 'IPv6', scopeid })
const lo = { lo: [ip4('127.0.0.1/8', true)] }

describe('mdnsInterfacesOf', () => {
  it('takes interfaces with an IPv4 address, loopback only when alone', () => {
    const names = (system: NodeJS.Dict<NetworkInterfaceInfo[]>) => mdnsInterfacesOf(system).map(({ name }) => name)
    assert.deepEqual(names(lo), ['lo'])
    assert.deepEqual(names({ ...lo, six: [ip6('2001:db8::1/64')] }), ['lo'])
    const system = { ...lo, eth0: [ip6('2001:db8::1/64'), ip4('10.0.0.5/24')], wlan0: [ip4('192.168.1.7/24')] }
    assert.deepEqual(names(system), ['eth0', 'wlan0'])
    assert.equal(mdnsInterfacesOf(system)[0]?.address, '10.0.0.5')
    assert.deepEqual(names({}), [])
  })

  it('knows the addresses of all networks of an interface', () => {
    const infos = [ip4('10.0.0.5/24'), ip4('172.16.0.1/16'), ip6('2001:db8::1/64'), ip6('fe80::1/64', 2)]
    const [eth0] = mdnsInterfacesOf({ eth0: infos })
    const known = ['10.0.0.77', '172.16.9.9', '2001:db8::77']
    for (const address of known) assert.equal(eth0?.has(address), true, address)
    for (const address of ['10.0.1.5', '8.8.8.8', '127.0.0.1', 'fe80::77', '2001:db8:1::1', 'nonsense', '']) {
      assert.equal(eth0?.has(address), false, address)
    }
  })

  it('names the same interface anew when its addresses change', () => {
    const key = (...infos: NetworkInterfaceInfo[]) => mdnsInterfacesOf({ eth0: infos })[0]?.key
    assert.equal(key(ip4('10.0.0.5/24')), key(ip4('10.0.0.5/24')))
    assert.notEqual(key(ip4('10.0.0.5/24')), key(ip4('10.0.0.6/24')))
    assert.notEqual(key(ip4('10.0.0.5/24')), key(ip4('10.0.0.5/16')))
    assert.notEqual(key(ip4('10.0.0.5/24')), key(ip4('10.0.0.5/24'), ip4('10.1.0.5/24')))
  })

  it('stays within its bound', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`veth${at}`, [ip4(`10.0.${at}.1/24`)]]))
    assert.equal(mdnsInterfacesOf(many).length, mdnsInterfaces)
  })
})

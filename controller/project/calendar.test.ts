/** Tests of calendar events: those of systemd.time(7) pass, and what systemd refuses does not. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { isCalendar } from './calendar.ts'

test('calendar events: the examples of systemd.time(7)', () => {
  for (const right of [
    ...['daily', 'semi-annually', 'Mon..Fri 08:00', 'Sat,Thu,Mon..Wed,Sat..Sun', 'Mon,Sun 12-*-* 2,1:23', 'Wed *-1'],
    ...['Wed..Wed,Wed *-1', 'Wed, 17:48', '*-*-7 0:0:0', '10-15', '5:40 UTC', '2003-03-05 05:40:23.4200004/3.1700005'],
    ...['08:05:40', '*:0/15', '*-02~03', 'Mon *-05~07/1', '2003-02..04-05', '05:40 Europe/Berlin', '@1395716396'],
  ]) {
    assert.ok(isCalendar(right), right)
  }
})

test('calendar events: words, hours and months that are none', () => {
  for (const wrong of [
    ...['dayly', 'Mon..Fri 25:00', '08:61', '13-40', '*-13-01', '08:00 Europe/Belin', '', 'Mo 08:00'],
    ...['Thur 08:00', 'Tues', '08:00 europe/berlin', '08:00  UTC', '@99999999999'],
  ]) {
    assert.equal(isCalendar(wrong), false, wrong)
  }
})

/** Parts that systemd takes and parts that it refuses, beside one another. */
const days = ['', 'Mon ', 'Mon..Fri ', 'Fri..Mon ', 'Mon-Fri ', 'Mon,Wed..Fri ', 'Mo ', 'Mon.. ', 'Mon,, ', 'Mon, ']
const dates = [
  ...[
    '',
    '*-*-* ',
    '2026-*-* ',
    '*-1..12-1 ',
    '*-13-* ',
    '*-*-32 ',
    '*-*-0 ',
    '*-02~1 ',
    '*-*~28 ',
    '*-*~29 ',
    '*-*~1/5 ',
  ],
  ...['*-*~10/5 ', '69-1-1 ', '1969-1-1 ', '2199-1-1 ', '2200-1-1 ', '2..1-1 ', '*-*-1/2 ', '*-*-5..3 ', '*-*-1,15 '],
  ...['*-*-*/40 ', '*-*-1/0 ', '1-2-3-4 ', '*-*-1.5 ', '*-*-1~2 ', '*-*-31..31 '],
]
const times = [
  ...[
    '',
    '00:00',
    '23:59:59',
    '24:00',
    '28:00',
    '08:60',
    '8',
    '8:5',
    '*:*',
    '*:0/15',
    '*:0/70',
    '*:0/59',
    '0..5:00',
    '5..0:00',
  ],
  ...[
    '5..5:00',
    '8:0:0.5',
    '8:0:60',
    '8:0:59.9',
    '8:0/0',
    '8,9:30',
    '8,:30',
    '-1:00',
    '8:00:00:00',
    '*:*:*/0.5',
    '8:1.5',
  ],
  ...['8:0:1..2', '8:0:1..1', '8:0:1..4/0.5', '22..23/5:00', '20..23/3:00', '23/1:00', '*,1:00'],
]
const zones = [' UTC', ' Europe/Berlin', ' Europe/Belin', ' +01:00']

test('calendar events: systemd itself says the same', () => {
  const texts = new Set([
    ...[
      'daily',
      'dayly',
      'every twenty',
      '@0',
      '@-1',
      'now',
      '*',
      'weekly UTC',
      'monthly 08:00',
      '08:00 Mon',
      'Mon Tue',
    ],
    ...days.map(each => `${each}08:00`),
    ...dates.flatMap(each => [each.trim(), `${each}08:00`, `Mon ${each}`.trim()]),
    ...times.flatMap(each => [each, `Mon ${each}`.trim(), `*-*-* ${each}`.trim()]),
    ...zones.map(each => `08:00${each}`),
  ])
  const others = [...texts].flatMap(text => {
    const { status, error } = spawnSync('systemd-analyze', ['calendar', '--', text], {
      env: { PATH: process.env.PATH, TZ: 'UTC' },
    })
    assert.equal(error, undefined, 'systemd-analyze is needed: scripts/setup --tests')
    return (status === 0) === isCalendar(text) ? [] : [`${text}: systemd ${status === 0 ? 'takes' : 'refuses'} it`]
  })
  assert.deepEqual(others, [])
})

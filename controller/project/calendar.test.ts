/** Tests of calendar events: those of systemd.time(7) pass, and what systemd refuses does not. */

import assert from 'node:assert/strict'
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
  for (const wrong of ['dayly', 'Mon..Fri 25:00', '08:61', '13-40', '*-13-01', '08:00 Europe/Belin', '', 'Mo 08:00']) {
    assert.equal(isCalendar(wrong), false, wrong)
  }
})

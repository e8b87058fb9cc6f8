import { readdirSync, readFileSync } from 'node:fs'

/** Of a tick in /proc, as Linux has it on every platform that Node.js runs on. */
const TICK_MS = 10

/** Processor time that a process and all below it have used so far, milliseconds (proc(5)). Linux only. */
export function processorMs(pid: number): number {
  const all = readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? statOf(Number(name)) : []))
  const members = new Set([pid])
  // Children have higher numbers than their parents unless the numbers have started anew: so until nothing is added.
  for (let before = 0; before < members.size; ) {
    before = members.size
    for (const { pid: child, parent } of all) if (members.has(parent)) members.add(child)
  }
  return all.filter(one => members.has(one.pid)).reduce((sum, { ticks }) => sum + ticks * TICK_MS, 0)
}

function statOf(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    // The name stands in parentheses and may hold anything; fields are counted from behind it.
    const [, rest = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    const fields = rest.split(' ')
    return [{ pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }]
  } catch {
    return []
  }
}

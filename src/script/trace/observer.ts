import type { ArgSpec } from '../../util/spec.ts'
import type { FunctionKind } from '../args.ts'
import type { CallNode, StatementNode } from '../ast.ts'
import type { AnyArg } from '../compile-args.ts'
import type { Condition } from '../compile-condition.ts'
import type { RouteContext, Step } from '../context.ts'
import type { Recorder, StatementInfo } from '../recorder.ts'
import type { Source } from '../source.ts'
import type { CompiledVariable } from '../text-compiler.ts'
import type { Statement } from '../unit.ts'
import { HIDDEN, isSecretName } from './secrets.ts'

/** Longest text of a statement that is kept. */
const MAX_TEXT = 200

/**
 * What a script is compiled with to be followed: every part tells the recorder of the message, if it has one, what it does.
 * None of it changes what the script does.
 */
export class StatementObserver {
  readonly #sources: ReadonlyMap<string, Source>

  constructor(sources: readonly Source[]) {
    this.#sources = new Map(sources.map(source => [source.name, source]))
  }

  statement(node: StatementNode, statement: Statement): Statement {
    const info: StatementInfo = {
      what: node.type === 'call' ? node.name : node.type,
      form: FORMS[node.type] ?? 'result',
      place: node.place,
      text: this.#text(node),
    }
    return { ...statement, step: recorded(info, statement.step) }
  }

  condition(condition: Condition): Condition {
    return m => {
      const { recorder } = m
      if (recorder === null) return condition(m)
      recorder.deciding()
      const truth = condition(m)
      const tell = (late: number): number => {
        recorder.decided(late)
        return late
      }
      return typeof truth === 'number' ? tell(truth) : truth.then(tell)
    }
  }

  /** Arguments put together of several parts are shown, and those that are secrets are hidden. */
  args(
    specs: readonly ArgSpec<string, FunctionKind>[],
    { args: nodes }: CallNode,
    args: readonly (AnyArg | undefined)[],
  ): readonly (AnyArg | undefined)[] {
    return args.map((arg, i) => {
      const spec = specs[i]
      const node = nodes[i]
      if (arg === undefined || spec === undefined || node === undefined || spec.kind === 'var') return arg
      const isSecret = isSecretName(spec.name)
      // A variable by itself tells its value.
      if (!isSecret && (node.type !== 'string' || arg.constant !== undefined)) return arg
      return observedArg(arg, (recorder, value) => {
        if (isSecret) recorder.hide(String(value))
        if (node.type === 'string' && arg.constant === undefined) recorder.read(spec.name, String(value))
      })
    })
  }

  variable(variable: CompiledVariable): CompiledVariable {
    const { text } = variable
    return {
      ...variable,
      get: m => {
        const value = variable.get(m)
        m.recorder?.read(text, value)
        return value
      },
      all: m => {
        const values = variable.all(m)
        m.recorder?.read(text, values.length === 1 ? (values[0] ?? null) : values.join(', '))
        return values
      },
      set: (m, value, replace) => {
        const isSet = variable.set(m, value, replace)
        if (isSet) m.recorder?.wrote(text, value)
        return isSet
      },
    }
  }

  #text(node: StatementNode): string {
    // The value may be a secret that is written down here.
    if (node.type === 'assign' && isSecretName(node.target.text) && node.value.type !== 'variable')
      return `${node.target.text} ${node.op} ${HIDDEN}`
    const { file, offset, length } = node.place
    const source = this.#sources.get(file)?.text ?? ''
    const rest = ENDS[node.type]?.exec(source.slice(offset + length, offset + length + MAX_TEXT))?.[0] ?? ''
    const line = (source.slice(offset, offset + length) + rest).replace(/\s+/g, ' ')
    return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line
  }
}

const CLOSING = /^[\s)]*\)/
const TO_SEMICOLON = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^;"'])*/s

/** What belongs to a statement behind its place. */
const ENDS: Readonly<Partial<Record<StatementNode['type'], RegExp>>> = {
  if: CLOSING,
  while: CLOSING,
  foreach: CLOSING,
  switch: CLOSING,
  log: TO_SEMICOLON,
  async: TO_SEMICOLON,
  launch: TO_SEMICOLON,
  assert: TO_SEMICOLON,
}

const FORMS: Readonly<Partial<Record<StatementNode['type'], StatementInfo['form']>>> = {
  if: 'condition',
  while: 'condition',
  assert: 'condition',
  foreach: 'block',
  switch: 'block',
  exit: 'end',
  drop: 'end',
  break: 'end',
}

function recorded(info: StatementInfo, step: Step): Step {
  return m => {
    const { recorder } = m
    if (recorder === null) return step(m)
    const frame = recorder.enter(info, m)
    const left = (verdict: number): number => {
      recorder.leave(frame, verdict)
      return verdict
    }
    const failed = (error: unknown): never => {
      recorder.failed(frame, error)
      throw error
    }
    try {
      const verdict = step(m)
      if (typeof verdict === 'number') return left(verdict)
      recorder.waits(frame)
      return verdict.then(left, failed)
    } catch (error) {
      return failed(error)
    }
  }
}

function observedArg(arg: AnyArg, tell: (recorder: Recorder, value: unknown) => void): AnyArg {
  const read = (m: RouteContext): never => {
    const value = arg.read(m)
    if (m.recorder !== null) tell(m.recorder, value)
    return value as never
  }
  return { ...arg, read } as AnyArg
}

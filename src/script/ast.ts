import type { RouteKind } from './context.ts'
import type { Place } from './source.ts'

/**
 * What a script says, as data. Every node knows its place. Old spellings are already replaced by what they mean:
 * `method=="INVITE"` is a comparison of `$rm`, `esac` is `break`, `drop` is `drop()`.
 */
interface At {
  readonly place: Place
}

export interface StringNode extends At {
  readonly type: 'string'
  readonly value: string
}
export interface NumberNode extends At {
  readonly type: 'number'
  readonly value: number
}
export interface NullNode extends At {
  readonly type: 'null'
}
/** `$name…`: the text is taken apart when it is compiled. */
export interface VariableNode extends At {
  readonly type: 'variable'
  readonly text: string
}
/** `1.2.3.4`, `10.0.0.0/8`, `[::1]`. */
export interface NetworkNode extends At {
  readonly type: 'network'
  readonly text: string
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>'
export type ComparisonOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | '=~' | '!~'
export type AssignmentOperator = '=' | ':=' | '+=' | '-=' | '*=' | '/=' | '%=' | '&=' | '|=' | '^='

export interface BinaryNode extends At {
  readonly type: 'binary'
  readonly op: ArithmeticOperator
  readonly left: ValueNode
  readonly right: ValueNode
}
export interface ComplementNode extends At {
  readonly type: 'complement'
  readonly operand: ValueNode
}
/** A comparison used as a value: 1 or 0. */
export interface TruthNode extends At {
  readonly type: 'truth'
  readonly condition: ConditionNode
}
/** What can be assigned. */
export type ValueNode = StringNode | NumberNode | NullNode | VariableNode | BinaryNode | ComplementNode | TruthNode

export interface CompareNode extends At {
  readonly type: 'compare'
  readonly op: ComparisonOperator
  readonly left: VariableNode
  readonly right: VariableNode | StringNode | NumberNode | NullNode | NetworkNode
}
export interface LogicNode extends At {
  readonly type: 'and' | 'or'
  readonly left: ConditionNode
  readonly right: ConditionNode
}
export interface NotNode extends At {
  readonly type: 'not'
  readonly operand: ConditionNode
}
/** The truth of a value: a number, a variable, `[arithmetic]`. */
export interface TestNode extends At {
  readonly type: 'test'
  readonly value: ValueNode
}
/** The truth of what statements give: a call, an `if`, an assignment, `{…}`. */
export interface RunNode extends At {
  readonly type: 'run'
  readonly body: readonly StatementNode[]
}
export type ConditionNode = CompareNode | LogicNode | NotNode | TestNode | RunNode

/** A value in a call; undefined stands for an empty position. */
export type ArgNode = StringNode | NumberNode | VariableNode | NullNode

export interface CallNode extends At {
  readonly type: 'call'
  readonly name: string
  readonly args: readonly (ArgNode | undefined)[]
}
export interface AssignNode extends At {
  readonly type: 'assign'
  readonly target: VariableNode
  readonly op: AssignmentOperator
  readonly value: ValueNode
}
/** `$var(x) = f();`: what a call gives, kept. */
export interface KeepNode extends At {
  readonly type: 'keep'
  readonly target: VariableNode
  readonly op: '=' | ':='
  readonly statement: StatementNode
}
export interface IfNode extends At {
  readonly type: 'if'
  readonly condition: ConditionNode
  readonly then: readonly StatementNode[]
  readonly otherwise: readonly StatementNode[] | undefined
}
export interface WhileNode extends At {
  readonly type: 'while'
  readonly condition: ConditionNode
  readonly body: readonly StatementNode[]
}
export interface ForEachNode extends At {
  readonly type: 'foreach'
  readonly iterator: VariableNode
  readonly source: VariableNode
  readonly body: readonly StatementNode[]
}
export interface CaseNode extends At {
  /** Undefined: `default`. */
  readonly value: StringNode | NumberNode | undefined
  readonly body: readonly StatementNode[]
}
export interface SwitchNode extends At {
  readonly type: 'switch'
  readonly subject: VariableNode
  readonly cases: readonly CaseNode[]
}
export interface PlainNode extends At {
  readonly type: 'break' | 'exit' | 'drop'
}
export interface ReturnNode extends At {
  readonly type: 'return'
  readonly code: NumberNode | VariableNode | undefined
  readonly extra: readonly ArgNode[]
}
export interface AssertNode extends At {
  readonly type: 'assert'
  readonly condition: ConditionNode
  readonly info: string
}
/** `xlog`, `xdbg`, `log` and `error`. Raw text holds no variables. */
export interface LogNode extends At {
  readonly type: 'log'
  readonly level: NumberNode | VariableNode | undefined
  readonly text: StringNode
  readonly raw: boolean
}
export interface RouteCallNode extends At {
  readonly type: 'route'
  readonly name: StringNode | VariableNode
  readonly args: readonly ArgNode[]
}
export interface AsyncNode extends At {
  readonly type: 'async'
  readonly call: CallNode
  readonly resume: StringNode
  readonly timeoutS: number | undefined
}
export interface LaunchNode extends At {
  readonly type: 'launch'
  readonly call: CallNode
  readonly report: StringNode | undefined
  readonly param: StringNode | undefined
}
export type StatementNode =
  | CallNode
  | AssignNode
  | KeepNode
  | IfNode
  | WhileNode
  | ForEachNode
  | SwitchNode
  | PlainNode
  | ReturnNode
  | AssertNode
  | LogNode
  | RouteCallNode
  | AsyncNode
  | LaunchNode

export interface RouteNode extends At {
  readonly kind: RouteKind
  /** '0' of the main route, '' where the kind has no names. */
  readonly name: string
  readonly body: readonly StatementNode[]
  /** Of a timer route. */
  readonly intervalS: number
  /** Of an event route that says so (2.x). */
  readonly mode: 'sync' | 'async' | null
}

/** `name = value` at top level, for settings that are numbers or texts. */
export interface SettingNode extends At {
  readonly name: string
  readonly value: number | string
  /** How the value was written. */
  readonly form: 'number' | 'decimal' | 'string' | 'word'
  readonly valuePlace: Place
}

export interface LoadModuleNode extends At {
  /** As written. */
  readonly path: string
}
export interface ModparamNode extends At {
  /** Regular expression that names the modules. */
  readonly modules: StringNode
  readonly name: StringNode
  readonly value: StringNode | NumberNode
}

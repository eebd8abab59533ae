"""Every word of the annotation page, in Chinese and in English."""

from dataclasses import dataclass

from agent.endings import ENDINGS

LANGUAGES = {"zh": "中文", "en": "English"}


@dataclass(frozen=True)
class Words:
    title: str
    progress: str
    status: dict[str, str]
    every: str
    filter: str
    jump: str
    previous: str
    next: str
    next_open: str
    accept: str
    reject: str
    reason: str
    reasons: tuple[str, ...]
    delete_row: str
    undo: str
    save: str
    export: str
    exported: str
    left_undecided: str
    not_exported: str
    nothing_accepted: str
    roles: dict[str, str]
    thought: str
    calls: str
    arguments: str
    train: str
    delete: str
    cut: str
    run_step: str
    run_all: str
    rewrite: str
    inserted: dict[str, str]
    tools: str
    unsaved: str
    draft_kept: str
    older_drafts: str
    discard: str
    problems: str
    no_problems: str
    held: str
    conflict: str
    redrawn: str
    still_running: str
    not_saved: str
    not_accepted: str
    needs_reason: str
    nothing_to_undo: str
    undone: str
    saved: str
    no_more: str
    all_held: str
    generating: str
    stop: str
    run_failed: str
    run_ended: str
    keys: str
    not_written: str
    draft_lost: str
    problem: str
    card: str
    nth_call: str
    within: str
    fields: dict[str, str]
    reasons_ended: dict[str, str]
    translates: bool = False  # whether what the checks say in English is to be said in this language


WORDS = {
    "zh": Words(
        title="审阅对话",
        progress="已审 {done} / {total}（{percent}%）· 接受 {accepted} · 拒绝 {rejected} · 删除 {deleted}",
        status={"open": "未审", "accepted": "已接受", "rejected": "已拒绝", "deleted": "已删除"},
        every="全部",
        filter="显示",
        jump="跳到第几条",
        previous="上一条",
        next="下一条",
        next_open="下一条未审",
        accept="接受",
        reject="拒绝",
        reason="拒绝的原因",
        reasons=("选错工具", "参数不对", "答案不对", "问题不清楚", "语言混杂", "不需要工具"),
        delete_row="删除这条",
        undo="撤销",
        save="保存",
        export="导出已接受的",
        exported="已写入 {folder}：{rows} 条，其中 {edited} 条改过。",
        left_undecided="另有 {count} 条改过但还没接受，没有导出。",
        not_exported="没有导出到 {folder}：{why}。",
        nothing_accepted="还没有接受任何对话，没有可导出的。",
        roles={"system": "系统", "user": "用户", "assistant": "助手", "tool": "工具结果"},
        thought="想法",
        calls="调用的工具",
        arguments="参数（JSON）",
        train="用来训练",
        delete="删除",
        cut="删到末尾",
        run_step="走一步",
        run_all="跑到底",
        rewrite="重写",
        inserted={"user": "用户消息", "assistant": "助手消息", "call": "工具调用", "tool": "工具结果"},
        tools="可用的工具（{count} 个）",
        unsaved="有未保存的修改",
        draft_kept="草稿已存",
        older_drafts="这条对话后来有了新版本。你在旧版本上写的、还没保存的文字在这里：",
        discard="丢弃未保存的修改",
        problems="还不能接受：",
        no_problems="格式没有问题。",
        held="别人正开着这条对话。",
        conflict="这条对话刚被别人改过，你的操作没有保存，你写的文字还在。",
        redrawn="页面刚换了内容，请看一眼再按一次。",
        still_running="智能体还在运行，先等它跑完，或者按“停止”。",
        not_saved="没有保存。{problem}",
        not_accepted="还不能接受。{problem}",
        needs_reason="请先写下拒绝的原因。",
        nothing_to_undo="没有可以撤销的操作。",
        undone="已撤销。",
        saved="已保存。",
        no_more="没有未审的对话了。",
        all_held="剩下的未审对话都有人正开着。",
        generating="正在生成…",
        stop="停止",
        run_failed="没能跑完：模型出错了，已经写完的消息都在。",
        run_ended="运行结束：",
        keys="快捷键：Alt+A 接受 · Alt+S 保存 · Alt+Z 撤销 · Alt+N 下一条 · Alt+P 上一条",
        not_written="没有保存：写不进磁盘（{why}）。你写的文字还在页面上，先腾出空间。",
        draft_lost="草稿没能存下",
        problem="{field}：{what}",
        card="第 {number} 条消息",
        nth_call="第 {number} 个调用",
        within="，",
        fields={
            "function.arguments": "参数",
            "function.name": "工具名",
            "reasoning_content": "想法",
            "tool_calls": "工具调用",
            "role": "角色",
            "messages": "整段对话",
        },
        reasons_ended=ENDINGS["zh"],
        translates=True,
    ),
    "en": Words(
        title="Review conversations",
        progress="{done} of {total} reviewed ({percent}%): {accepted} accepted, {rejected} rejected, {deleted} deleted",
        status={"open": "not reviewed", "accepted": "accepted", "rejected": "rejected", "deleted": "deleted"},
        every="all",
        filter="Show",
        jump="Go to number",
        previous="Previous",
        next="Next",
        next_open="Next open",
        accept="Accept",
        reject="Reject",
        reason="Reason to reject",
        reasons=(
            "wrong tool",
            "wrong arguments",
            "wrong answer",
            "unclear question",
            "mixed languages",
            "no tool needed",
        ),
        delete_row="Delete row",
        undo="Undo",
        save="Save",
        export="Export accepted",
        exported="Written to {folder}: {rows} rows, {edited} of them edited.",
        left_undecided=" {count} more were edited but not accepted, and left out.",
        not_exported="Not exported to {folder}: {why}.",
        nothing_accepted="No conversation was accepted yet: there is nothing to export.",
        roles={"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool result"},
        thought="Thought",
        calls="Tool called",
        arguments="Arguments (JSON)",
        train="learn from it",
        delete="Delete",
        cut="Delete to end",
        run_step="Run a step",
        run_all="Run to end",
        rewrite="Rewrite",
        inserted={"user": "user message", "assistant": "assistant message", "call": "tool call", "tool": "tool result"},
        tools="Tools on offer ({count})",
        unsaved="unsaved changes",
        draft_kept="draft kept",
        older_drafts="This conversation has a newer version. What you wrote on the older one and did not save:",
        discard="Discard unsaved changes",
        problems="Cannot be accepted yet:",
        no_problems="The format is in order.",
        held="Somebody else has this conversation open.",
        conflict="Somebody else has just changed this conversation: your action was not saved, what you wrote is kept.",
        redrawn="The page had just changed: please look, and press again.",
        still_running="The agent is still running: wait for it, or press Stop.",
        not_saved="Not saved. {problem}",
        not_accepted="Cannot be accepted yet. {problem}",
        needs_reason="Please write down a reason first.",
        nothing_to_undo="There is nothing to undo.",
        undone="Undone.",
        saved="Saved.",
        no_more="Every conversation is reviewed.",
        all_held="Somebody has each of the conversations that are left open.",
        generating="Generating…",
        stop="Stop",
        run_failed="Not run to the end: the model failed. Every message that was whole is kept.",
        run_ended="The run ended: ",
        keys="Keys: Alt+A accept · Alt+S save · Alt+Z undo · Alt+N next · Alt+P previous",
        not_written="Not saved: the disk cannot be written ({why}). What you typed is still here: make room first.",
        draft_lost="draft could not be kept",
        problem="{field}: {what}",
        card="message {number}",
        nth_call="call {number}",
        within=", ",
        fields={
            "function.arguments": "arguments",
            "function.name": "tool",
            "reasoning_content": "thought",
            "tool_calls": "calls",
            "role": "role",
            "messages": "the conversation",
        },
        reasons_ended=ENDINGS["en"],
    ),
}


def preferred_language(accept_language: str, otherwise: str = "en") -> str:
    """The page's language from a browser's `Accept-Language` header: the first that we have."""
    for entry in accept_language.lower().split(","):
        language = entry.split(";")[0].strip()[:2]
        if language in WORDS:
            return language
    return otherwise

"""LangGraph in its own process: a graph of one node that calls langchain-openai's ChatOpenAI, read by astream in the
mode "messages". With --store its AsyncSqliteSaver keeps the state, and the last ten questions and answers go to the
model."""

import argparse
from collections.abc import AsyncIterator

import reading
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph

HISTORY_MESSAGES = 20


async def make(arguments: argparse.Namespace) -> reading.Read:
    model = ChatOpenAI(model="bench", base_url=arguments.base_url, api_key="none", streaming=True)

    async def answer(state: MessagesState) -> dict:
        return {"messages": [await model.ainvoke(state["messages"][-HISTORY_MESSAGES - 1:])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    saver = None
    if arguments.store:
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
        saver = AsyncSqliteSaver(await aiosqlite.connect(arguments.store))
        await saver.setup()
    compiled = graph.compile(checkpointer=saver)

    async def read(text: str, session: str | None) -> AsyncIterator[str]:
        config = {"configurable": {"thread_id": session}} if session else None
        question = {"messages": [HumanMessage(text)]}
        async for chunk, _ in compiled.astream(question, config, stream_mode="messages"):
            if isinstance(chunk, AIMessageChunk) and chunk.content:
                yield chunk.content

    return read


reading.main("langgraph", "langgraph", make)

"""Reads all observations with the SDK of Langfuse: langfuse_reads.py URL PUBLIC SECRET SINCE UNTIL"""
import sys
from datetime import datetime

from langfuse.api import LangfuseAPI

url, public, secret, since, until = sys.argv[1:]
client = LangfuseAPI(base_url=url, username=public, password=secret)
assert client.projects.get().data[0].name == "desk"
count, tokens, cursor = 0, 0, None
while True:
    page = client.observations.get_many(
        fields="core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context", limit=100, cursor=cursor,
        from_start_time=datetime.fromisoformat(since), to_start_time=datetime.fromisoformat(until),
    )
    for observation in page.data:
        count += 1
        tokens += (observation.usage_details or {}).get("input", 0)
        assert observation.trace_id and observation.start_time and observation.session_id
    cursor = page.meta.cursor
    if not cursor:
        break
print(count, tokens)

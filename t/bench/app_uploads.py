"""FastAPI's part of what is measured of uploads: a file, as its documentation
has it, read in pieces of 1 MB."""

from fastapi import FastAPI, UploadFile

PIECE = 1 << 20

app = FastAPI()


@app.get("/quick")
async def quick():
    return {"status": "quick response"}


@app.post("/upload")
async def upload(file: UploadFile):
    n = 0
    while chunk := await file.read(PIECE):
        n += len(chunk)
    return {"size": n}


@app.post("/upload_def")
def upload_def(file: UploadFile):
    n = 0
    while chunk := file.file.read(PIECE):
        n += len(chunk)
    return {"size": n}

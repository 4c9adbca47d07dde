/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cut_short.h"
#include "source.h"
#include "system.h"

#define RATE_HZ 48000
/* Sample rates there are, from telephones to studios; what claims another is damaged or crafted to
 * grow by resampling. */
#define IN_RATE_HZ_MIN 4000
#define IN_RATE_HZ_MAX 768000
/* The longest frame there is, 65535 samples of FLAC, at the lowest rate. */
#define QUEUE_FRAMES_MAX 1048576
/* Packets that may fail in a row before the rest of the file is given up: a damaged spot is passed
 * over, a file of another kind is not searched to its end in one go. */
#define FAILURES_MAX 100
/* A file that plays shorter than its header says by more than this is told to be cut short; encoder
 * padding and rounding stay below. */
#define SHORT_BY_S 0.3

/* Frames of MP3 at a constant bit rate differ by one byte of padding: a last one that is smaller
 * was cut. Nothing else in such a file tells. */
struct packet_sizes {
  int first; /* 0: none yet */
  int last;
  bool uneven; /* before the last */
};

struct file_source {
  struct source base;
  AVFormatContext *format;
  AVCodecContext *codec;
  SwrContext *resampler;
  AVPacket *packet;
  AVFrame *frame;
  int stream;
  int16_t *queue; /* converted, not read yet */
  size_t queue_room;
  size_t queue_head; /* frames */
  size_t queue_count;
  uint64_t played_frames;
  uint64_t damaged; /* packets that could not be decoded */
  struct packet_sizes sizes;
  /* What the resampler was made for. */
  int in_format;
  int in_rate_hz;
  AVChannelLayout in_layout;
  bool ended;      /* nothing more comes into the queue */
  bool complained; /* about this file, once whatever the loops */
};

static const char *av_text(int status, char *out) {
  return av_make_error_string(out, AV_ERROR_MAX_STRING_SIZE, status);
}

/* ---- decoding ---- */

static int grow_queue(struct file_source *file, size_t more) {
  size_t need = file->queue_count + more;
  assert(need > 0 && file->base.channels > 0);
  if (file->queue_head > 0) {
    memmove(file->queue, file->queue + file->queue_head * file->base.channels,
            file->queue_count * file->base.channels * sizeof file->queue[0]);
  }
  file->queue_head = 0;
  if (need <= file->queue_room) {
    return 0;
  }
  if (need > QUEUE_FRAMES_MAX) {
    return AVERROR_INVALIDDATA;
  }
  int16_t *queue = realloc(file->queue, need * file->base.channels * sizeof queue[0]);
  if (queue == NULL) {
    return AVERROR(ENOMEM);
  }
  file->queue = queue;
  file->queue_room = need;
  return 0;
}

/* `frame` NULL takes out what the resampler still holds. */
static int convert(struct file_source *file, const AVFrame *frame) {
  int in_count = frame != NULL ? frame->nb_samples : 0;
  int room = swr_get_out_samples(file->resampler, in_count);
  if (room <= 0) {
    return room;
  }
  int status = grow_queue(file, (size_t)room);
  if (status != 0) {
    return status;
  }
  uint8_t *out = (uint8_t *)(file->queue + file->queue_count * file->base.channels);
  const uint8_t **in = frame != NULL ? (const uint8_t **)frame->extended_data : NULL;
  int got = swr_convert(file->resampler, &out, room, in, in_count);
  if (got > 0) {
    file->queue_count += (size_t)got;
  }
  return got < 0 ? got : 0;
}

/* Some files change their format on the way (and damaged ones seem to). */
static bool fits(const struct file_source *file, const AVFrame *frame) {
  return file->resampler != NULL && frame->format == file->in_format &&
         frame->sample_rate == file->in_rate_hz &&
         av_channel_layout_compare(&frame->ch_layout, &file->in_layout) == 0;
}

/* Mono stays mono, everything else becomes stereo; by the first decoded frame, for headers lie. */
static int set_up_resampler(struct file_source *file) {
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
  AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO;
  AVChannelLayout in = {0};
  const AVFrame *frame = file->frame;
  if (frame->sample_rate < IN_RATE_HZ_MIN || frame->sample_rate > IN_RATE_HZ_MAX) {
    return AVERROR_INVALIDDATA;
  }
  if (file->resampler != NULL) {
    (void)convert(file, NULL);
  }
  file->in_format = frame->format;
  file->in_rate_hz = frame->sample_rate;
  if (file->base.channels == 0) {
    file->base.channels = frame->ch_layout.nb_channels == 1 ? 1 : 2;
  }
  int status = av_channel_layout_copy(&file->in_layout, &frame->ch_layout);
  if (status == 0 && frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&in, frame->ch_layout.nb_channels);
  } else if (status == 0) {
    status = av_channel_layout_copy(&in, &frame->ch_layout);
  }
  swr_free(&file->resampler);
  if (status == 0) {
    status = swr_alloc_set_opts2(&file->resampler, file->base.channels == 1 ? &mono : &stereo,
                                 AV_SAMPLE_FMT_S16, RATE_HZ, &in,
                                 (enum AVSampleFormat)frame->format, frame->sample_rate, 0, NULL);
  }
  av_channel_layout_uninit(&in);
  if (status == 0) {
    status = swr_init(file->resampler);
  }
  if (status < 0) {
    swr_free(&file->resampler);
  }
  return status;
}

static int take_frames(struct file_source *file) {
  for (;;) {
    int status = avcodec_receive_frame(file->codec, file->frame);
    if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) {
      return 0;
    }
    if (status == 0 && !fits(file, file->frame)) {
      status = set_up_resampler(file);
    }
    if (status == 0) {
      status = convert(file, file->frame);
    }
    av_frame_unref(file->frame);
    if (status != 0) {
      return status;
    }
  }
}

static void finish(struct file_source *file) {
  (void)avcodec_send_packet(file->codec, NULL);
  (void)take_frames(file);
  if (file->resampler != NULL) {
    (void)convert(file, NULL);
  }
  file->ended = true;
}

static void note_packet(struct packet_sizes *sizes, int bytes) {
  sizes->first = sizes->first > 0 ? sizes->first : bytes;
  sizes->uneven = sizes->uneven || (sizes->last > 0 && abs(sizes->last - sizes->first) > 1);
  sizes->last = bytes;
}

/* Decode the next packet of the stream. False when there is none. */
static bool decode_packet(struct file_source *file, int *status) {
  *status = av_read_frame(file->format, file->packet);
  if (*status < 0) {
    return false;
  }
  if (file->packet->stream_index == file->stream) {
    note_packet(&file->sizes, file->packet->size);
    *status = avcodec_send_packet(file->codec, file->packet);
    if (*status == 0) {
      *status = take_frames(file);
    }
  }
  av_packet_unref(file->packet);
  return true;
}

static void fill(struct file_source *file, size_t frames) {
  unsigned failures = 0;
  while (!file->ended && file->queue_count < frames) {
    int status = 0;
    bool more = decode_packet(file, &status);
    failures = status < 0 ? failures + 1 : 0;
    file->damaged += status < 0 && status != AVERROR_EOF;
    if (!more || failures > FAILURES_MAX) {
      finish(file);
    }
  }
}

/* ---- what is told at the end ---- */

/* Streams that sound or move; a cover picture has no length. */
static unsigned count_streams(const AVFormatContext *format) {
  unsigned count = 0;
  for (unsigned i = 0; i < format->nb_streams; i++) {
    count += (format->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
  }
  return count;
}

/* The length that the header promises, 0 when it does not: a guess from the bit rate is no promise,
 * and the length of the whole file is that of its longest stream, which may be a picture. */
static double promised_s(const struct file_source *file) {
  const AVStream *stream = file->format->streams[file->stream];
  if (file->format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) {
    return 0;
  }
  if (stream->duration > 0) {
    return (double)stream->duration * av_q2d(stream->time_base);
  }
  bool alone = file->format->duration > 0 && count_streams(file->format) == 1;
  return alone ? (double)file->format->duration / AV_TIME_BASE : 0;
}

static bool is_cut_short(const struct file_source *file) {
  const struct packet_sizes *sizes = &file->sizes;
  bool torn_frame =
      file->codec->codec_id == AV_CODEC_ID_MP3 && !sizes->uneven && sizes->last + 1 < sizes->first;
  return torn_frame || file_is_cut_short(file->base.name);
}

/* One line, once. */
static void complain(struct file_source *file) {
  double played = (double)file->played_frames / RATE_HZ;
  double promised = promised_s(file);
  const char *name = file->base.name;
  const struct paw_log *log = &file->base.log;
  if (file->complained) {
    return;
  }
  file->complained = true;
  if (played + SHORT_BY_S < promised) {
    system_tell(log, PAW_LOG_ERROR, "source",
                "%s: the file is cut short or damaged: played the %.1f s that are there of %.1f s",
                name, played, promised);
  } else if (is_cut_short(file)) {
    system_tell(log, PAW_LOG_ERROR, "source",
                "%s: the file is cut short: played the %.1f s that are there", name, played);
  } else if (file->damaged > 0) {
    system_tell(log, PAW_LOG_ERROR, "source",
                "%s: the file is damaged or cut short: parts that could not be decoded were left "
                "out (%llu)",
                name, (unsigned long long)file->damaged);
  }
}

static enum source_verdict read_file(struct source *source, uint64_t now_ns, int16_t *pcm,
                                     size_t frames, size_t *got) {
  struct file_source *file = (struct file_source *)source;
  (void)now_ns;
  fill(file, frames + 1);
  *got = file->queue_count < frames ? file->queue_count : frames;
  if (*got > 0) {
    memcpy(pcm, file->queue + file->queue_head * source->channels,
           *got * source->channels * sizeof *pcm);
  }
  file->queue_head += *got;
  file->queue_count -= *got;
  file->played_frames += *got;
  if (file->ended && file->queue_count == 0) {
    complain(file);
    return SOURCE_ENDED;
  }
  return SOURCE_FULL;
}

static int rewind_file(struct source *source, struct fault *fault) {
  struct file_source *file = (struct file_source *)source;
  char text[AV_ERROR_MAX_STRING_SIZE];
  int64_t start = file->format->streams[file->stream]->start_time;
  int status = av_seek_frame(file->format, file->stream, start != AV_NOPTS_VALUE ? start : 0,
                             AVSEEK_FLAG_BACKWARD);
  if (status < 0) {
    status = av_seek_frame(file->format, -1, 0, AVSEEK_FLAG_BYTE);
  }
  if (status < 0) {
    return fault_set(fault, "%s: cannot begin again: %s", source->name, av_text(status, text));
  }
  avcodec_flush_buffers(file->codec);
  swr_free(&file->resampler);
  file->ended = false;
  file->played_frames = 0;
  file->damaged = 0;
  file->sizes = (struct packet_sizes){0};
  return 0;
}

/* ---- opening ---- */

static void close_file(struct source *source) {
  struct file_source *file = (struct file_source *)source;
  av_packet_free(&file->packet);
  av_frame_free(&file->frame);
  swr_free(&file->resampler);
  avcodec_free_context(&file->codec);
  avformat_close_input(&file->format);
  av_channel_layout_uninit(&file->in_layout);
  free(file->queue);
  free(file);
}

static const struct source_ops ops = {
    .read = read_file, .rewind = rewind_file, .close = close_file};

static int open_codec(struct file_source *file, const AVCodec *codec) {
  const AVStream *stream = file->format->streams[file->stream];
  file->codec = avcodec_alloc_context3(codec);
  file->packet = av_packet_alloc();
  file->frame = av_frame_alloc();
  if (file->codec == NULL || file->packet == NULL || file->frame == NULL) {
    return AVERROR(ENOMEM);
  }
  int status = avcodec_parameters_to_context(file->codec, stream->codecpar);
  file->codec->pkt_timebase = stream->time_base;
  file->codec->thread_count = 1;
  return status < 0 ? status : avcodec_open2(file->codec, codec, NULL);
}

/* Only files: neither a name nor a playlist inside a file may make us open a URL. */
static int open_format(struct file_source *file, const char *path) {
  AVDictionary *options = NULL;
  size_t len = strlen(path) + sizeof "file:";
  char *url = malloc(len);
  if (url == NULL) {
    return AVERROR(ENOMEM);
  }
  (void)snprintf(url, len, "file:%s", path);
  int status = av_dict_set(&options, "protocol_whitelist", "file", 0);
  if (status >= 0) {
    status = avformat_open_input(&file->format, url, NULL, &options);
  }
  av_dict_free(&options);
  free(url);
  return status < 0 ? status : avformat_find_stream_info(file->format, NULL);
}

static int refuse(const char *path, int status, struct fault *fault) {
  char text[AV_ERROR_MAX_STRING_SIZE];
  if (status == AVERROR_INVALIDDATA) {
    return fault_set(fault, "%s: is no audio file that can be read, or is cut short", path);
  }
  if (status == AVERROR_EOF) {
    return fault_set(fault, "%s: is cut short before any audio", path);
  }
  return fault_set(fault, "%s: %s", path, av_text(status, text));
}

/* A pipe or a device may never give its next byte, and the server would stand still with it. */
static int refuse_pipe(const char *path, struct fault *fault) {
  struct stat about;
  if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
    return fault_set(fault, "%s: is no regular file%s", path,
                     S_ISDIR(about.st_mode) ? ""
                                            : ": give raw PCM to -, as in COMMAND | pa-send -");
  }
  return 0;
}

/* By the header; what it hides comes to light at the first decoded frame. */
static int check_rate(const struct file_source *file, const char *path, struct fault *fault) {
  int rate_hz = file->format->streams[file->stream]->codecpar->sample_rate;
  return rate_hz == 0 || (rate_hz >= IN_RATE_HZ_MIN && rate_hz <= IN_RATE_HZ_MAX)
             ? 0
             : fault_set(fault, "%s: its sample rate is %d Hz; %d to %d can be played", path,
                         rate_hz, IN_RATE_HZ_MIN, IN_RATE_HZ_MAX);
}

static int open_stream(struct file_source *file, const char *path, struct fault *fault) {
  const AVCodec *codec = NULL;
  if (refuse_pipe(path, fault) != 0) {
    return -1;
  }
  int status = open_format(file, path);
  if (status < 0) {
    return refuse(path, status, fault);
  }
  file->stream = av_find_best_stream(file->format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
  if (file->stream == AVERROR_STREAM_NOT_FOUND) {
    return fault_set(fault, "%s: holds no audio", path);
  }
  if (file->stream < 0) {
    return fault_set(fault, "%s: there is no decoder for its audio", path);
  }
  for (unsigned i = 0; i < file->format->nb_streams; i++) {
    bool ours = (int)i == file->stream;
    file->format->streams[i]->discard = ours ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  if (check_rate(file, path, fault) != 0) {
    return -1;
  }
  status = open_codec(file, codec);
  return status < 0 ? refuse(path, status, fault) : 0;
}

int source_file_open(const char *path, const struct paw_log *log, struct source **out,
                     struct fault *fault) {
  struct file_source *file = calloc(1, sizeof *file);
  if (file == NULL) {
    return fault_set(fault, "%s: out of memory", path);
  }
  file->base = (struct source){.ops = &ops, .name = path, .log = *log};
  av_log_set_level(log->level == PAW_LOG_DEBUG ? AV_LOG_WARNING : AV_LOG_QUIET);
  if (open_stream(file, path, fault) != 0) {
    close_file(&file->base);
    return -1;
  }
  fill(file, 1);
  if (file->queue_count == 0) {
    close_file(&file->base);
    return fault_set(fault, "%s: nothing in it can be decoded as audio", path);
  }
  *out = &file->base;
  return 0;
}
